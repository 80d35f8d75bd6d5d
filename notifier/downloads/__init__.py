"""Downloads results into files, completely or not at all: for a command, or for each ready watch with `download:`."""
