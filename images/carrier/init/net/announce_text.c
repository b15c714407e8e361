/* SPDX-License-Identifier: ISC */
#include "announce_text.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define STATUS_BYTES 12 /* "HTTP/1.1 200" */
#define BODY_BYTES 1536

/* --- the URL --- */

/* Decimal digits up to `max`; -1: something else. */
static long number(const char *text, size_t len, long max)
{
    long value = 0;

    if (len == 0 || len > 9)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value <= max ? value : -1;
}

/* The address that the host is, or 0. */
static uint32_t read_ip(const char *host)
{
    uint32_t ip = 0;

    for (int i = 0; i < 4; i++) {
        size_t len = strcspn(host, ".");
        long part = len <= 3 ? number(host, len, 255) : -1;

        if (part < 0 || (host[len] == '.') != (i < 3))
            return 0;
        ip = ip << 8 | (uint32_t)part;
        host += len + (i < 3);
    }
    return ip;
}

static bool plain(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text >= 0x7f)
            return false;
    return true;
}

int car_target_read(const char *url, struct car_target *ret, struct car_why *why)
{
    static const char scheme[] = "http://";
    struct car_target target = {.port = 80};
    const char *host = url + sizeof scheme - 1;
    const char *path;
    size_t len;

    if (strncmp(url, "https://", 8) == 0)
        return car_why_set(why, "announce: https is not possible from a carrier, which has no TLS; "
                                "use the registry's http address");
    if (strncmp(url, scheme, sizeof scheme - 1) != 0 || !plain(url))
        return car_why_set(why, "announce: '%.80s' is not http://HOST[:PORT]/PATH", url);
    len = strcspn(host, ":/");
    if (len == 0 || len >= sizeof target.host)
        return car_why_set(why, "announce: '%.80s' has no host that can be used", url);
    memcpy(target.host, host, len);
    path = host + strcspn(host, "/");
    if (host[len] == ':') {
        long port = number(host + len + 1, (size_t)(path - host) - len - 1, 65535);

        if (port < 1)
            return car_why_set(why, "announce: '%.80s' has no port that can be used", url);
        target.port = (uint16_t)port;
    }
    if (strlen(path) >= sizeof target.path)
        return car_why_set(why, "announce: the path of '%.80s' is too long", url);
    memcpy(target.path, *path != '\0' ? path : "/", *path != '\0' ? strlen(path) + 1 : 2);
    target.ip = read_ip(target.host);
    *ret = target;
    return 0;
}

uint16_t car_guest_port(const struct car_net_config *config)
{
    for (size_t i = 0; i < config->ports_n; i++)
        if (!config->ports[i].udp)
            return config->ports[i].number;
    return 80;
}

/* --- the request --- */

static void site_url(const struct car_net_config *config, uint32_t cloud, char *url, size_t cap)
{
    uint16_t port = car_guest_port(config);
    char ip[CAR_IP_TEXT];

    if (config->url != NULL)
        (void)snprintf(url, cap, "%s", config->url);
    else if (port == 80)
        (void)snprintf(url, cap, "http://%s/", car_ip_text(cloud, ip));
    else
        (void)snprintf(url, cap, "http://%s:%u/", car_ip_text(cloud, ip), port);
}

size_t car_announce_write(const struct car_net_config *config, const struct car_target *target,
                          uint32_t cloud, char request[CAR_REQUEST_BYTES])
{
    char text[BODY_BYTES];
    char url[512];
    struct car_draft body = {.text = text, .cap = sizeof text};
    struct car_draft all = {.text = request, .cap = CAR_REQUEST_BYTES};

    site_url(config, cloud, url, sizeof url);
    car_draft_json(&body, "name", config->name != NULL ? config->name : "");
    car_draft_json(&body, "url", url);
    car_draft_json(&body, "token", config->token != NULL ? config->token : "");
    if (config->kernel != NULL)
        car_draft_json(&body, "kernel", config->kernel);
    car_draft_add(&body, "}\n");
    car_draft_add(&all, "POST %s HTTP/1.1\r\nHost: %s", target->path, target->host);
    if (target->port != 80)
        car_draft_add(&all, ":%u", target->port);
    car_draft_add(&all,
                  "\r\nUser-Agent: mirage-carrier\r\nContent-Type: application/json\r\n"
                  "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                  body.len, text);
    return body.full || all.full ? 0 : all.len;
}

/* --- the answer --- */

int car_status_read(const char *bytes, size_t len)
{
    static const char start[] = "HTTP/1.";
    size_t known = len < sizeof start - 1 ? len : sizeof start - 1;
    long status;

    if (memcmp(bytes, start, known) != 0)
        return -1;
    if (len < STATUS_BYTES)
        return 0;
    status = number(bytes + 9, 3, 599);
    return bytes[8] == ' ' && status >= 100 ? (int)status : -1;
}
