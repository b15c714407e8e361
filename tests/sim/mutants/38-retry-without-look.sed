# turn.c: a lost answer is taken as a refusal.
s/? MIRD_IN_REFUSED : MIRD_IN_UNKNOWN;/? MIRD_IN_REFUSED : MIRD_IN_REFUSED;/
