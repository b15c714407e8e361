# Turns a text file into the lines of a C array of strings.
s/\\/\\\\/g
s/"/\\"/g
s/^/"/
s/$/\\n",/
