/* SPDX-License-Identifier: ISC */
#include "conf.h"

#include <stdio.h>
#include <string.h>

/* NULL, or why the value is no good; then it may have changed something, as all ends there. */
typedef const char *conf_setter(struct car_conf *conf, const char *value, size_t len);

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static bool all_words(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!is_word(value[i]))
            return false;
    }
    return len > 0;
}

static bool is_clean(const char *value, size_t len, bool only_ascii, bool spaces)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];

        if (c < 0x20 || c == 0x7f || (only_ascii && c > 0x7f) || (!spaces && c == ' '))
            return false;
    }
    return true;
}

static bool is(const char *value, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(value, word, len) == 0;
}

static const char *number(const char *value, size_t len, uint64_t max, uint64_t *ret)
{
    uint64_t sum = 0;

    if (len == 0)
        return "not a number";
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return "not a number";
        if (sum > (max - (uint64_t)(value[i] - '0')) / 10)
            return "too large";
        sum = sum * 10 + (uint64_t)(value[i] - '0');
    }
    *ret = sum;
    return NULL;
}

static const char *copy(char *to, size_t cap, const char *value, size_t len)
{
    if (len == 0)
        return "empty";
    if (len >= cap)
        return "too long";
    memcpy(to, value, len);
    to[len] = '\0';
    return NULL;
}

static const char *copy_text(char *to, size_t cap, const char *value, size_t len)
{
    return is_clean(value, len, true, false) ? copy(to, cap, value, len)
                                             : "not printable ASCII without spaces";
}

static const char *set_kind(struct car_conf *conf, const char *value, size_t len)
{
    static const struct {
        const char *word;
        enum car_kind kind;
    } kinds[] = {{"xen-pv", CAR_XEN_PV}, {"xen-pvh", CAR_XEN_PVH}, {"solo5", CAR_SOLO5}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (is(value, len, kinds[i].word)) {
            conf->kind = kinds[i].kind;
            return NULL;
        }
    }
    return "not xen-pv, xen-pvh or solo5";
}

static const char *set_net(struct car_conf *conf, const char *value, size_t len)
{
    static const struct {
        const char *word;
        enum car_net_kind net;
    } nets[] = {{"auto", CAR_NET_KIND_AUTO},
                {"nat", CAR_NET_KIND_NAT},
                {"direct", CAR_NET_KIND_DIRECT},
                {"none", CAR_NET_KIND_NONE}};

    for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
        if (is(value, len, nets[i].word)) {
            conf->net = nets[i].net;
            return NULL;
        }
    }
    return "not auto, nat, direct or none";
}

static const char *set_memory(struct car_conf *conf, const char *value, size_t len)
{
    uint64_t mib;
    const char *why = number(value, len, 1024 * 1024, &mib);

    if (why != NULL)
        return why;
    if (mib == 0)
        return "nothing at all";
    conf->memory_mib = (uint32_t)mib;
    return NULL;
}

static const char *set_address(struct car_conf *conf, const char *value, size_t len)
{
    uint32_t address = 0;
    size_t at = 0;

    for (int part = 0; part < 4; part++) {
        size_t start = at;
        uint64_t byte;

        while (at < len && value[at] != '.')
            at++;
        if (number(value + start, at - start, 255, &byte) != NULL || at - start > 3)
            return "not an IPv4 address";
        address = address << 8 | (uint32_t)byte;
        at++;
    }
    if (at != len + 1 || address >> 24 == 0 || address >> 24 == 127 || address >> 24 >= 224)
        return "not an IPv4 address of a machine";
    conf->address = address;
    return NULL;
}

static const char *set_ttl(struct car_conf *conf, const char *value, size_t len)
{
    uint64_t seconds;
    const char *why = number(value, len, UINT32_MAX, &seconds);

    if (why == NULL)
        conf->ttl_s = (uint32_t)seconds;
    return why;
}

static const char *set_deadline(struct car_conf *conf, const char *value, size_t len)
{
    uint64_t seconds;
    /* The year 9999: far enough for all, and no sum with it overflows. */
    const char *why = number(value, len, 253402300799, &seconds);

    if (why == NULL)
        conf->deadline = (int64_t)seconds;
    return why;
}

static const char *set_name(struct car_conf *conf, const char *value, size_t len)
{
    if (!is_clean(value, len, false, true))
        return "control characters";
    return copy(conf->name, sizeof(conf->name), value, len);
}

static const char *set_device(struct car_conf *conf, const char *value, size_t len)
{
    if (!all_words(value, len))
        return "not a name of letters, digits, '.', '_' and '-'";
    return copy(conf->device, sizeof(conf->device), value, len);
}

static const char *set_open(struct car_conf *conf, const char *value, size_t len)
{
    uint64_t port;

    if (len < 5 || value[len - 4] != '/')
        return "not PORT/tcp or PORT/udp";
    if (number(value, len - 4, 65535, &port) != NULL || port == 0)
        return "not a port from 1 to 65535";
    if (conf->open_n == CAR_OPEN_MAX)
        return "too many of them";
    if (!is(value + len - 3, 3, "udp") && !is(value + len - 3, 3, "tcp"))
        return "neither tcp nor udp";
    conf->open[conf->open_n].port = (uint16_t)port;
    conf->open[conf->open_n].udp = value[len - 3] == 'u';
    conf->open_n++;
    return NULL;
}

static const char *set_block(struct car_conf *conf, const char *value, size_t len)
{
    char *name = conf->blocks[conf->blocks_n];

    if (conf->blocks_n == CAR_BLOCKS_MAX)
        return "too many of them";
    /* What goes into a line of xl and an option of the tender is kept free of their marks. */
    if (!car_block_name(value, len))
        return "not a name of letters, digits, '.', '_', '-' and '/'";
    memcpy(name, value, len);
    name[len] = '\0';
    for (size_t i = 0; i < conf->blocks_n; i++) {
        if (car_block_same(conf->blocks[i], name))
            return "there twice";
    }
    conf->blocks_n++;
    return NULL;
}

static const char *set_arguments(struct car_conf *conf, const char *value, size_t len)
{
    if (len == 0)
        return NULL;
    if (!is_clean(value, len, false, true))
        return "control characters";
    return copy(conf->arguments, sizeof(conf->arguments), value, len);
}

static const char *set_yes(bool *flag, const char *value, size_t len)
{
    *flag = is(value, len, "yes");
    return *flag || is(value, len, "no") ? NULL : "neither yes nor no";
}

static const char *set_imds(struct car_conf *conf, const char *value, size_t len)
{
    return set_yes(&conf->imds, value, len);
}

static const char *set_answer(struct car_conf *conf, const char *value, size_t len)
{
    const char *space = memchr(value, ' ', len);
    size_t port_len = space != NULL ? (size_t)(space - value) : len;
    uint64_t port, deadline;

    if (space == NULL)
        return "not PORT EPOCH";
    if (number(value, port_len, 65535, &port) != NULL || port == 0)
        return "not a port from 1 to 65535";
    if (number(space + 1, len - port_len - 1, 253402300799, &deadline) != NULL)
        return "not a time in seconds";
    conf->answer = (uint16_t)port;
    conf->answer_deadline = (int64_t)deadline;
    return NULL;
}

static const char *set_announce(struct car_conf *conf, const char *value, size_t len)
{
    return copy_text(conf->announce, sizeof(conf->announce), value, len);
}

static const char *set_token(struct car_conf *conf, const char *value, size_t len)
{
    return copy_text(conf->token, sizeof(conf->token), value, len);
}

static const char *set_url(struct car_conf *conf, const char *value, size_t len)
{
    return copy_text(conf->url, sizeof(conf->url), value, len);
}

static const char *set_digest(struct car_conf *conf, const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!(value[i] >= '0' && value[i] <= '9') && !(value[i] >= 'a' && value[i] <= 'f'))
            return "not hexadecimal";
    }
    return len == 64 ? copy(conf->digest, sizeof(conf->digest), value, len) : "not 64 digits";
}

static const struct {
    const char *key;
    conf_setter *set;
    bool many;
} keys[] = {
    {"address", set_address, false}, {"announce", set_announce, false},
    {"answer", set_answer, false},   {"arguments", set_arguments, false},
    {"block", set_block, true},      {"deadline", set_deadline, false},
    {"device", set_device, false},   {"digest", set_digest, false},
    {"imds", set_imds, false},       {"kind", set_kind, false},
    {"memory", set_memory, false},   {"name", set_name, false},
    {"net", set_net, false},         {"open", set_open, true},
    {"token", set_token, false},     {"ttl", set_ttl, false},
    {"url", set_url, false},
};
#define KEYS_N (sizeof(keys) / sizeof(keys[0]))

static size_t find_key(const char *line, size_t len)
{
    size_t i = 0;

    while (i < KEYS_N && !is(line, len, keys[i].key))
        i++;
    return i;
}

/* NULL, or what is wrong. seen has a bit for each row of the table. */
static const char *take_line(struct car_conf *conf, const char *line, size_t len, uint32_t *seen,
                             const char **ret_key)
{
    const char *space = memchr(line, ' ', len);
    size_t key_len = space != NULL ? (size_t)(space - line) : len;
    size_t row = find_key(line, key_len);

    *ret_key = "this line";
    if (row == KEYS_N)
        return "no such key";
    *ret_key = keys[row].key;
    if ((*seen & 1U << row) != 0 && !keys[row].many)
        return "there twice";
    *seen |= 1U << row;
    if (space == NULL)
        return keys[row].set(conf, line + len, 0);
    return keys[row].set(conf, space + 1, len - key_len - 1);
}

static bool opens(const struct car_conf *conf, uint16_t port)
{
    for (size_t i = 0; i < conf->open_n; i++)
        if (!conf->open[i].udp && conf->open[i].port == port)
            return true;
    return false;
}

/* What only makes sense together. */
static const char *lacks(const struct car_conf *conf)
{
    if (conf->kind == CAR_KIND_NONE)
        return "kind is missing";
    if (conf->memory_mib == 0)
        return "memory is missing";
    if (conf->net == CAR_NET_KIND_UNSET)
        return "net is missing";
    if (conf->answer != 0 && conf->token[0] == '\0')
        return "answer: token is missing";
    if (conf->answer != 0 && !opens(conf, conf->answer))
        return "answer: its port is not open";
    return NULL;
}

int car_conf_parse(const char *text, size_t len, struct car_conf *ret, char *why)
{
    uint32_t seen = 0;
    size_t at = 0;
    unsigned number_of_line = 0;
    const char *bad;

    memset(ret, 0, sizeof(*ret));
    memcpy(ret->device, "service", sizeof("service"));
    while (at < len) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end != NULL ? (size_t)(end - text) - at : len - at;
        const char *key;

        number_of_line++;
        bad = line_len > 0 ? take_line(ret, text + at, line_len, &seen, &key) : NULL;
        if (bad != NULL) {
            (void)snprintf(why, CAR_WHY_MAX, "line %u: %s: %s", number_of_line, key, bad);
            return -1;
        }
        at += line_len + 1;
    }
    bad = lacks(ret);
    if (bad == NULL)
        return 0;
    (void)snprintf(why, CAR_WHY_MAX, "%s", bad);
    return -1;
}

size_t car_conf_unit(const struct car_conf *conf, size_t place)
{
    const char *names[CAR_BLOCKS_MAX];

    for (size_t i = 0; i < conf->blocks_n; i++)
        names[i] = conf->blocks[i];
    return car_block_unit(names, conf->blocks_n, place);
}
