# What was written late is not looked for by the next process.
s/mird_late_load(store, &why) ||//
