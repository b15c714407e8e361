/* SPDX-License-Identifier: ISC */
#include "value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/clock.h"
#include "api/lease.h"
#include "api/memory.h"
#include "api/suggest.h"

int cmd_size_parse(const char *text, uint64_t *ret_bytes, struct mir_error *err)
{
    static const char units[] = "KMGTP";
    char *end = NULL;
    errno = 0;
    unsigned long long n = isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;
    unsigned shift = 0;
    if (end && *end) {
        const char *unit = strchr(units, toupper((unsigned char)*end));
        if (unit) {
            shift = 10 * (unsigned)(unit - units + 1);
            end++;
        }
        if (!strcasecmp(end, "iB") || !strcasecmp(end, "B"))
            end += strlen(end);
    }
    if (!end || *end || errno || n == 0 || n > ((1ULL << 60) - 1) >> shift) {
        mir_fail(err, MIR_USAGE, "'%.64s' is not a size", text);
        return mir_error_hint(err, "write it as 64M, 1G or 67108864");
    }
    *ret_bytes = (uint64_t)n << shift;
    return 0;
}

void cmd_size_format(uint64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    unsigned unit = 0;
    uint64_t whole = bytes, below = 0;
    while (whole >= 1024 && unit + 1 < MIR_NELEMS(units)) {
        below = whole % 1024;
        whole /= 1024;
        unit++;
    }
    if (whole < 10 && below * 10 / 1024 > 0)
        snprintf(out, size, "%" PRIu64 ".%" PRIu64 " %s", whole, below * 10 / 1024, units[unit]);
    else
        snprintf(out, size, "%" PRIu64 " %s", whole, units[unit]);
}

/* Digits only, 0..65535; -1 otherwise. */
static int port_number(const char *text, size_t len)
{
    int n = 0;
    if (len == 0 || len > 5)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        n = n * 10 + (text[i] - '0');
    }
    return n <= 65535 ? n : -1;
}

static int address_valid(const char *text)
{
    unsigned char binary[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
}

/* [ADDRESS:]HOST:GUEST, cut from the right so that IPv6 addresses keep their colons. */
static int port_split(const char *text, struct mir_port *port)
{
    const char *colon = strrchr(text, ':');
    const char *guest = colon ? colon + 1 : text;
    int number = port_number(guest, strlen(guest));
    if (number <= 0)
        return -1;
    port->guest_port = (uint16_t)number;
    if (!colon)
        return 0;
    const char *host = colon;
    while (host > text && host[-1] != ':')
        host--;
    number = port_number(host, (size_t)(colon - host));
    if (number < 0)
        return -1;
    port->host_port = (uint16_t)number;
    if (host == text)
        return 0;
    size_t len = (size_t)(host - 1 - text);
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof port->address)
        return -1;
    memcpy(port->address, text, len);
    port->address[len] = '\0';
    return address_valid(port->address) ? 0 : -1;
}

int cmd_port_parse(const char *text, struct mir_port *ret_port, struct mir_error *err)
{
    struct mir_port port = {0};
    if (port_split(text, &port)) {
        mir_fail(err, MIR_USAGE, "'%.64s' is not a port mapping", text);
        return mir_error_hint(err, "write it as 80, 8080:80 or 0.0.0.0:8080:80 (host before guest; "
                                   "ports are 1 to 65535)");
    }
    *ret_port = port;
    return 0;
}

int cmd_open_parse(const char *text, uint16_t *ret_port, struct mir_error *err)
{
    int number = port_number(text, strlen(text));
    if (number <= 0) {
        mir_fail(err, MIR_USAGE, "'%.64s' is not a port", text);
        return mir_error_hint(err, "ports are 1 to 65535");
    }
    *ret_port = (uint16_t)number;
    return 0;
}

int cmd_since_parse(const char *text, int64_t now_s, int64_t *ret_utc_s, struct mir_error *err)
{
    int64_t ago_s;
    if (!mir_duration_parse(text, &ago_s, NULL)) {
        *ret_utc_s = now_s - ago_s;
        return 0;
    }
    if (!mir_time_parse(text, ret_utc_s, NULL))
        return 0;
    mir_fail(err, MIR_USAGE, "'%.64s' is neither a duration nor a time", text);
    return mir_error_hint(err, "write it as 10m or 2026-11-20T18:30:00Z");
}

int cmd_truth(const char *text)
{
    static const char *const words[2][5] = {{"no", "false", "off", "0", ""},
                                            {"yes", "true", "on", "1", "y"}};
    for (int truth = 0; truth < 2; truth++)
        for (size_t i = 0; i < MIR_NELEMS(words[truth]); i++)
            if (!strcasecmp(text, words[truth][i]))
                return truth;
    return -1;
}

static int check_truth(const char *text, struct mir_error *err)
{
    if (cmd_truth(text) >= 0)
        return 0;
    mir_fail(err, MIR_USAGE, "'%.64s' is neither yes nor no", text);
    return mir_error_hint(err, "write yes or no");
}

static int check_name(const char *text, struct mir_error *err)
{
    if (mir_name_valid(text))
        return 0;
    mir_fail(err, MIR_USAGE, "'%.80s' is not a name", text);
    return mir_error_hint(err, "names are 1 to 63 of a-z, 0-9 and -, with a letter or digit at "
                               "both ends");
}

static int check_url(const char *text, struct mir_error *err)
{
    const char *host = !strncmp(text, "http://", 7)    ? text + 7
                       : !strncmp(text, "https://", 8) ? text + 8
                                                       : NULL;
    if (host && isalnum((unsigned char)*host) && strlen(text) < 256 && !strpbrk(text, " \t\"<>"))
        return 0;
    if (host && *host == '[')
        return 0;
    mir_fail(err, MIR_USAGE, "'%.80s' is not a URL", text);
    return mir_error_hint(err, "write it as http://host/ or https://host/");
}

static int check_choice(const struct cmd_option *option, const char *text, struct mir_error *err)
{
    size_t count = 0;
    for (; option->choices[count]; count++)
        if (!strcmp(option->choices[count], text))
            return 0;
    mir_fail(err, MIR_USAGE, "'%.64s' is not one of the choices", text);
    const char *near = mir_suggest(text, option->choices, count);
    char list[256] = "";
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", option->choices[i]);
    }
    return near ? mir_error_hint(err, "did you mean %s? one of: %s", near, list)
                : mir_error_hint(err, "one of: %s", list);
}

/* The forms that are read for good later on. */
static int check_duration(const char *text, struct mir_error *err)
{
    int64_t seconds;
    return mir_duration_parse(text, &seconds, err);
}

static int check_time(const char *text, struct mir_error *err)
{
    int64_t utc_s;
    return mir_time_parse(text, &utc_s, err);
}

static int check_since(const char *text, struct mir_error *err)
{
    int64_t utc_s;
    return cmd_since_parse(text, 0, &utc_s, err);
}

static int check_size(const char *text, struct mir_error *err)
{
    uint64_t bytes;
    return cmd_size_parse(text, &bytes, err);
}

static int check_port(const char *text, struct mir_error *err)
{
    struct mir_port port;
    return cmd_port_parse(text, &port, err);
}

static int check_open(const char *text, struct mir_error *err)
{
    uint16_t port;
    return cmd_open_parse(text, &port, err);
}

static int check_money(const char *text, struct mir_error *err)
{
    int64_t micro;
    return mir_money_parse(text, &micro, err);
}

typedef int check_fn(const char *text, struct mir_error *err);

/* By type; a choice has its own, and what is missing takes any text. */
static check_fn *const checks[CMD_CHOICE] = {
    [CMD_FLAG] = check_truth,      [CMD_SWITCH] = check_truth,  [CMD_NAME] = check_name,
    [CMD_URL] = check_url,         [CMD_TIME] = check_time,     [CMD_DURATION] = check_duration,
    [CMD_SINCE] = check_since,     [CMD_SIZE] = check_size,     [CMD_REASON] = mir_reason_check,
    [CMD_PORT] = check_port,       [CMD_OPEN] = check_open,     [CMD_REGION] = mir_region_check,
    [CMD_CLOUD] = mir_cloud_check, [CMD_KIND] = mir_type_check, [CMD_MONEY] = check_money,
};

static int check(const struct cmd_option *option, const char *text, struct mir_error *err)
{
    if (option->type == CMD_CHOICE)
        return check_choice(option, text, err);
    return checks[option->type] ? checks[option->type](text, err) : 0;
}

int cmd_value_check(const struct cmd_option *option, const char *text, const char *given_as,
                    struct mir_error *err)
{
    if (!*text && option->type != CMD_FLAG && option->type != CMD_SWITCH) {
        mir_fail(err, MIR_USAGE, "%s is empty", given_as);
        return mir_error_hint(err, "give a value: %s", option->help);
    }
    return check(option, text, err) ? mir_error_wrap(err, "%s", given_as) : 0;
}
