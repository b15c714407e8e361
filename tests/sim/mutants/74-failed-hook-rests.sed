# deployment.c: a lease rests although a hook of it has to be asked for again.
s/ \&\& !hooks_awake(d);$/;/
