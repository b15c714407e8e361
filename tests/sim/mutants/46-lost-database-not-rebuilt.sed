# round.c: nothing is taken up after the database was lost.
s/\.rebuilding = round->rebuilding,/.rebuilding = false,/
