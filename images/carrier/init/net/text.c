/* SPDX-License-Identifier: ISC */
#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_BYTES 240

int car_why_set(struct car_why *why, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    (void)vsnprintf(why->text, sizeof why->text, format, list);
    va_end(list);
    return -1;
}

int car_why_errno(struct car_why *why, const char *format, ...)
{
    const char *reason = strerror(errno);
    va_list list;
    size_t len;

    va_start(list, format);
    (void)vsnprintf(why->text, sizeof why->text, format, list);
    va_end(list);
    len = strlen(why->text);
    (void)snprintf(why->text + len, sizeof why->text - len, ": %s", reason);
    return -1;
}

void car_net_say(const struct car_net_config *config, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list list;

    va_start(list, format);
    (void)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    config->say(config->ctx, line);
}

void car_draft_add(struct car_draft *draft, const char *format, ...)
{
    size_t room = draft->cap - draft->len;
    va_list list;
    int len;

    va_start(list, format);
    len = vsnprintf(draft->text + draft->len, room, format, list);
    va_end(list);
    if (len < 0 || (size_t)len >= room)
        draft->full = true;
    else
        draft->len += (size_t)len;
}

void car_draft_json(struct car_draft *draft, const char *name, const char *value)
{
    car_draft_add(draft, "%s\"%s\":\"", draft->len > 0 ? "," : "{", name);
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;

        if (c == '"' || c == '\\')
            car_draft_add(draft, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            car_draft_add(draft, "\\u%04x", c);
        else
            car_draft_add(draft, "%c", c);
    }
    car_draft_add(draft, "\"");
}

const char *car_ip_text(uint32_t ip, char text[CAR_IP_TEXT])
{
    (void)snprintf(text, CAR_IP_TEXT, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255U, ip >> 8 & 255U,
                   ip & 255U);
    return text;
}

uint64_t car_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
