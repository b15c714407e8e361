s/PRAGMA synchronous = FULL;/PRAGMA synchronous = OFF;/
