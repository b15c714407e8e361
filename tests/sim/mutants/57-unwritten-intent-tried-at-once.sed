# drive.c: no pause while an intent cannot be written.
s/^    mird_pace_held(&drive->pace, ops->boot_ms(ctx));$//
