# deployment.c: an extension that is not armed is in force.
s/return d->before_s \&\& d->before_s < d->deadline_s ? d->before_s : d->deadline_s;/return d->deadline_s;/
