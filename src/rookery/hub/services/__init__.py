"""What the hub does, for all faces; the gate decides who may."""
