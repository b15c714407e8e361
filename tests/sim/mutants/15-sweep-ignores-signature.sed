# sweep_judge.c: the signature is not asked for.
s/verified \&\& \*found/*found/
s/!verified || !\*found/!*found/
