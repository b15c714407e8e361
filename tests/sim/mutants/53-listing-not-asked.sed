# answer.c: a get alone says that it is gone.
s/^    if (!there \&\& t->list(/    if (ret->instance.state > MIR_INSTANCE_ENDED \&\& t->list(/
