# epoch.c: a claim holds for ever.
s/return claim->epoch > 0 .*$/return claim->epoch > 0 || row->epoch;/
