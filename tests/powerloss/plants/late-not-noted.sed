# The group is acknowledged without its row in the table.
s/    if (!late->text.len)/    if (late->text.len < SIZE_MAX)/
