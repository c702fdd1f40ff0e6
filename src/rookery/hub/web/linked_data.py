"""What a dataset's page says to machines: schema.org's Dataset in JSON-LD, which search engines for data read.

A public repository alone says it.  Browsers do not run such an element, so the policy
of the pages needs no exception for it (HTML, "prepare the script element": a data block).
"""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup

from rookery.hub.asking import Site
from rookery.hub.domain.access import Visibility
from rookery.hub.domain.records import Repository
from rookery.hub.domain.search import Document
from rookery.hub.web.look import moment

# As JSON these are the same letters; as HTML they can end nothing.
_SAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def linked_data(repository: Repository, document: Document | None, site: Site) -> Markup | None:
    """Give the text of the element; None for what is not public, or was not read yet."""
    if document is None or not document.commit or repository.visibility is not Visibility.PUBLIC:
        return None
    told, home = document.described, site.page(repository.path)
    said: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": told.title or str(repository.name),
        "description": told.description or repository.description or document.readme[:5000].strip(),
        "url": home,
        "identifier": f"https://doi.org/{told.doi}" if told.doi else home,
        "license": told.licence,
        "keywords": list(told.keywords),
        "creator": [{"@type": "Person", "name": name} for name in told.authors],
        "dateModified": moment(repository.updated, "%Y-%m-%d"),
        "version": document.commit,
        "isAccessibleForFree": True,
        "distribution": [
            {
                "@type": "DataDownload",
                "encodingFormat": "application/zip",
                "contentUrl": f"{home}/archive/{document.commit}.zip",
            }
        ],
    }
    text = json.dumps({name: value for name, value in said.items() if value}, ensure_ascii=False)
    return Markup("".join(_SAFE.get(letter, letter) for letter in text))  # nothing in it is HTML now
