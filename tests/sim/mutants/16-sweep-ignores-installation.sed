# sweep_judge.c: another installation's things are ours.
s/ \&\& !strcmp(found->tags.installation, installation);/;/
s/ || strcmp(found->tags.installation, installation))/)/
