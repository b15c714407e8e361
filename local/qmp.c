/* SPDX-License-Identifier: ISC */
#include "qmp.h"

#include <string.h>

#include "api/json.h"
#include "api/memory.h"

static void take_line(struct local_qmp *qmp)
{
    json_t *json = mir_json_parse(qmp->line, qmp->len, sizeof qmp->line, NULL);
    const char *event = json_string_value(json_object_get(json, "event"));
    const char *reason =
        json_string_value(json_object_get(json_object_get(json, "data"), "reason"));
    if (json_object_get(json, "return"))
        qmp->ready = true;
    if (event && !strcmp(event, "SHUTDOWN") && reason && !*qmp->shutdown)
        mir_copy(qmp->shutdown, sizeof qmp->shutdown, reason);
    json_decref(json);
}

void local_qmp_feed(struct local_qmp *qmp, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            if (!qmp->skipping && qmp->len > 0)
                take_line(qmp);
            qmp->len = 0;
            qmp->skipping = false;
        } else if (qmp->len < sizeof qmp->line) {
            qmp->line[qmp->len++] = data[i];
        } else {
            qmp->skipping = true;
        }
    }
}
