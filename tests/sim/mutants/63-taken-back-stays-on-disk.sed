# held.c: what was told not to have happened is left on the disk if it is there.
/^int mird_held_settle(/,/^}/s/held->dirty = true;/held->dirty |= what != MIRD_TAKE_BACK;/
