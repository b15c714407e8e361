/* SPDX-License-Identifier: ISC */
/* Reading an answer that has come; pure. */
#include <string.h>
#include <strings.h>

#include "api/clock.h"
#include "api/http.h"

int mir_http_response_header(const struct mir_http_response *response, const char *name, char *out,
                             size_t size)
{
    size_t name_len = strlen(name);
    for (const char *line = mir_buf_text(&response->headers); *line;) {
        size_t len = strcspn(line, "\r\n");
        if (len > name_len && line[name_len] == ':' && !strncasecmp(line, name, name_len)) {
            const char *value = line + name_len + 1;
            const char *end = line + len;
            while (value < end && (*value == ' ' || *value == '\t'))
                value++;
            while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
            if ((size_t)(end - value) >= size)
                return -1;
            memcpy(out, value, (size_t)(end - value));
            out[end - value] = '\0';
            return 0;
        }
        line += len;
        line += strspn(line, "\r\n");
    }
    return -1;
}

int64_t mir_http_date_ms(const struct mir_http_response *response)
{
    char text[64];
    int64_t utc_s;
    if (mir_http_response_header(response, "Date", text, sizeof text) ||
        mir_time_parse_http(text, &utc_s))
        return 0;
    return utc_s * 1000;
}
