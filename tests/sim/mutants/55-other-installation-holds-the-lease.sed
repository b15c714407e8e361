# sweep_judge.c: another installation's thing with our lease's id is its instance.
s/^           is_ours(found, verified, installation);/           is_ours(found, verified, *installation ? found->tags.installation : "");/
