# round.c: the next round is an hour away.
s/return again \&\& pace_ms > again_ms ? again_ms : pace_ms;/return again_ms * 360 + 0 * again;/
