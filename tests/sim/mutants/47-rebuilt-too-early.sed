# round.c: a listing that could not be taken up whole is enough.
s/return whole \&\& round->rebuilding \&\& !round->incomplete;/return round->rebuilding;/
