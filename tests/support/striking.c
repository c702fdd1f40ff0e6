/* Preloaded into one process: strike at its nth system call that writes (or reads) a file of a test's world.

   STRIKE_ROOT  the folder whose files count; pipes count as well when the blow is a kill
   STRIKE_KIND  `write` or `read`: which calls are counted
   STRIKE_AT    the number of the call to strike at; 0: none
   STRIKE_BLOW  0: the process is killed before the call; else the errno that the call fails with
   STRIKE_LOG   a file that gets a line for each call: its name and the file

   Programs that the process starts are left alone.  All threads are counted together. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static char root[PATH_MAX];
static int reading, at, blow, logged = -1;
static int seen;
static pid_t owner;

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("STRIKE_ROOT");
    if (text == NULL)
        return;
    snprintf(root, sizeof root, "%s", text);
    reading = strcmp(getenv("STRIKE_KIND"), "read") == 0;
    at = atoi(getenv("STRIKE_AT"));
    blow = atoi(getenv("STRIKE_BLOW"));
    owner = getpid();
    if ((text = getenv("STRIKE_LOG")) != NULL && *text)
        logged = syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    unsetenv("LD_PRELOAD");
}

/* Count one call; non-zero if it is to fail. */
static int counts(const char *name, const char *file) {
    int kept = errno, number;
    if (!*root || (*file == '/' && strncmp(file, root, strlen(root)) != 0) || syscall(SYS_getpid) != owner)
        return 0;
    number = __sync_add_and_fetch(&seen, 1);
    if (logged >= 0) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%s %s\n", name, file);
        syscall(SYS_write, logged, line, (size_t)(length < (int)sizeof line ? length : (int)sizeof line - 1));
    }
    errno = kept;
    if (number != at)
        return 0;
    if (blow == 0)
        syscall(SYS_kill, owner, SIGKILL);
    errno = blow;
    return 1;
}

static int counts_handle(const char *name, int handle) {
    char link[64], file[PATH_MAX];
    struct stat found;
    ssize_t length;
    int kept = errno, regular;
    if (handle <= 2 || handle == logged || !*root)
        return 0;
    regular = fstat(handle, &found) == 0 && S_ISREG(found.st_mode);
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    length = readlink(link, file, sizeof file - 1);
    errno = kept;
    if (length < 0)
        return 0;
    file[length] = 0;
    if (!regular && (blow != 0 || reading || strncmp(file, "pipe:", 5) != 0))
        return 0;
    return counts(name, file);
}

#define REAL(type, name, ...)                               \
    static type (*real)(__VA_ARGS__);                       \
    if (real == NULL)                                       \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define ON_PATH(type, name, file, parameters, arguments)    \
    type name parameters {                                  \
        REAL(type, name, );                                 \
        if (!reading && counts(#name, file))                \
            return -1;                                      \
        return real arguments;                              \
    }

#define ON_HANDLE(type, name, kind, handle, parameters, arguments) \
    type name parameters {                                  \
        REAL(type, name, );                                 \
        if (reading == kind && counts_handle(#name, handle)) \
            return -1;                                      \
        return real arguments;                              \
    }

ON_PATH(int, rename, to, (const char *from, const char *to), (from, to))
ON_PATH(int, renameat, to, (int a, const char *from, int b, const char *to), (a, from, b, to))
ON_PATH(int, link, to, (const char *from, const char *to), (from, to))
ON_PATH(int, linkat, to, (int a, const char *from, int b, const char *to, int how), (a, from, b, to, how))
ON_PATH(int, symlink, to, (const char *from, const char *to), (from, to))
ON_PATH(int, symlinkat, to, (const char *from, int b, const char *to), (from, b, to))
ON_PATH(int, unlink, file, (const char *file), (file))
ON_PATH(int, unlinkat, file, (int a, const char *file, int how), (a, file, how))
ON_PATH(int, rmdir, file, (const char *file), (file))
ON_PATH(int, mkdir, file, (const char *file, mode_t mode), (file, mode))
ON_PATH(int, mkdirat, file, (int a, const char *file, mode_t mode), (a, file, mode))
ON_PATH(int, chmod, file, (const char *file, mode_t mode), (file, mode))
ON_PATH(int, fchmodat, file, (int a, const char *file, mode_t mode, int how), (a, file, mode, how))
ON_PATH(int, utimensat, file, (int a, const char *file, const struct timespec t[2], int how), (a, file, t, how))
ON_HANDLE(int, fchmod, 0, handle, (int handle, mode_t mode), (handle, mode))
ON_HANDLE(int, futimens, 0, handle, (int handle, const struct timespec t[2]), (handle, t))
ON_HANDLE(int, fsync, 0, handle, (int handle), (handle))
ON_HANDLE(int, fdatasync, 0, handle, (int handle), (handle))
ON_HANDLE(int, ftruncate, 0, handle, (int handle, off_t size), (handle, size))
ON_HANDLE(int, ftruncate64, 0, handle, (int handle, off64_t size), (handle, size))
ON_HANDLE(ssize_t, write, 0, handle, (int handle, const void *data, size_t size), (handle, data, size))
ON_HANDLE(ssize_t, pwrite, 0, handle, (int handle, const void *data, size_t size, off_t to), (handle, data, size, to))
ON_HANDLE(ssize_t, pwrite64, 0, handle, (int handle, const void *data, size_t size, off64_t to), (handle, data, size, to))
ON_HANDLE(ssize_t, copy_file_range, 0, target, (int source, off64_t *from, int target, off64_t *to, size_t size, unsigned how), (source, from, target, to, size, how))
ON_HANDLE(ssize_t, sendfile, 0, target, (int target, int source, off_t *from, size_t size), (target, source, from, size))
ON_HANDLE(ssize_t, read, 1, handle, (int handle, void *data, size_t size), (handle, data, size))
ON_HANDLE(ssize_t, pread, 1, handle, (int handle, void *data, size_t size, off_t from), (handle, data, size, from))
ON_HANDLE(ssize_t, pread64, 1, handle, (int handle, void *data, size_t size, off64_t from), (handle, data, size, from))

#define OPENING(name, before, arguments)                    \
    int name(before const char *file, int flags, ...) {     \
        REAL(int, name, );                                  \
        mode_t mode = 0;                                    \
        int writes = (flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) {              \
            va_list more;                                   \
            va_start(more, flags);                          \
            mode = va_arg(more, mode_t);                    \
            va_end(more);                                   \
        }                                                   \
        if (reading != writes && counts(#name, file))       \
            return -1;                                      \
        return real arguments;                              \
    }
#define NOTHING
#define FOLDER int folder,

OPENING(open, NOTHING, (file, flags, mode))
OPENING(open64, NOTHING, (file, flags, mode))
OPENING(openat, FOLDER, (folder, file, flags, mode))
OPENING(openat64, FOLDER, (folder, file, flags, mode))
