# drive.c: an intent that was found is carried out, as if it had just been written.
s/^        if (drive->intended)$/        if (true)/
