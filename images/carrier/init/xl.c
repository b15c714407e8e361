/* SPDX-License-Identifier: ISC */
#include "xl.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
    char *bytes;
    size_t cap;
    size_t len;
    bool full;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
    size_t left = text->cap - text->len;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text->bytes + text->len, left, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= left)
        text->full = true;
    else
        text->len += (size_t)len;
}

static void add_quoted(struct text *text, const char *raw)
{
    add(text, "\"");
    for (; *raw != '\0'; raw++) {
        if (*raw == '\\' || *raw == '"' || *raw == '\'')
            add(text, "\\%c", *raw);
        else if ((unsigned char)*raw < 0x20 || (unsigned char)*raw >= 0x7f)
            add(text, "\\x%02x", (unsigned)(unsigned char)*raw);
        else
            add(text, "%c", *raw);
    }
    add(text, "\"");
}

/* What stands behind target= is what the guest finds in the store as the device's params, where a
 * MirageOS kernel looks for the name of its disk; which device it is, the script knows. */
static void add_disks(struct text *text, const struct car_conf *conf)
{
    if (conf->blocks_n == 0)
        return;
    add(text, "disk = [");
    for (size_t i = 0; i < conf->blocks_n; i++)
        add(text, "%s'format=raw,vdev=xvd%c,access=rw,backendtype=phy,script=%s,target=%s'",
            i > 0 ? ", " : "", (char)('a' + car_conf_unit(conf, i)), CAR_HOTPLUG_BLOCK,
            conf->blocks[i]);
    add(text, "]\n");
}

/* A name for the domain (RFC 9562, version 8), after the machine's MAC. Without one xl would make
 * one of random numbers, and wait for two seconds on a machine that has none yet. */
static void add_uuid(struct text *text, const uint8_t *mac)
{
    static const uint8_t none[6];
    const uint8_t *node = mac != NULL ? mac : none;

    add(text, "uuid = \"6d697261-6765-8000-8000-%02x%02x%02x%02x%02x%02x\"\n", node[0], node[1],
        node[2], node[3], node[4], node[5]);
}

size_t car_xl_config(const struct car_conf *conf, const uint8_t *mac, char *ret, size_t cap)
{
    static const char *const ends[] = {"poweroff", "reboot", "crash", "watchdog", "soft_reset"};
    struct text text = {.bytes = ret, .cap = cap};

    add(&text, "name = \"guest\"\ntype = \"%s\"\nkernel = \"/kernel\"\nmemory = %u\nvcpus = 1\n",
        conf->kind == CAR_XEN_PVH ? "pvh" : "pv", conf->memory_mib);
    add_uuid(&text, mac);
    if (conf->arguments[0] != '\0') {
        add(&text, "cmdline = ");
        add_quoted(&text, conf->arguments);
        add(&text, "\n");
    }
    if (mac != NULL)
        add(&text, "vif = ['mac=%02x:%02x:%02x:%02x:%02x:%02x,script=%s']\n", mac[0], mac[1],
            mac[2], mac[3], mac[4], mac[5], CAR_HOTPLUG_VIF);
    add_disks(&text, conf);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        add(&text, "on_%s = \"destroy\"\n", ends[i]);
    return text.full ? 0 : text.len;
}

int car_xl_domain(const char *line)
{
    static const char before[] = "(domid ";
    const char *at = strstr(line, before);
    char *end;
    long domain;

    if (at == NULL || strncmp(line, "Waiting for domain", strlen("Waiting for domain")) != 0)
        return -1;
    domain = strtol(at + strlen(before), &end, 10);
    /* Xen's own limit: DOMID_FIRST_RESERVED. */
    return *end == ')' && domain > 0 && domain < 0x7ff0 ? (int)domain : -1;
}

enum car_xl_end car_xl_reason(const char *line)
{
    static const char before[] = "has shut down, reason code ";
    const char *at = strstr(line, before);
    char *end;
    long code;

    if (at == NULL || strncmp(line, "Domain ", strlen("Domain ")) != 0)
        return CAR_XL_END_UNKNOWN;
    code = strtol(at + strlen(before), &end, 10);
    if (end == at + strlen(before) || code < 0 || code > CAR_XL_SOFT_RESET)
        return CAR_XL_END_UNKNOWN;
    return (enum car_xl_end)code;
}
