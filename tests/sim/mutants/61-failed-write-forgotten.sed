# held.c: what could not be written is not made up for.
/^int mird_held_settle(/,/^}/s/held->dirty = true;/held->dirty = false;/
