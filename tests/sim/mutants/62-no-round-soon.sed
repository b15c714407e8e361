# round.c: a round that failed is not repeated soon.
s/bool again = failed || round->ended || round->incomplete;/bool again = pace_ms < 0 \&\& failed;/
