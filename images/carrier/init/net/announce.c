/* SPDX-License-Identifier: ISC */
#include "announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "text.h"

#define EVERY_MS 60000
#define TRY_MS 10000
#define DNS_MS 3000
#define DNS_PORT 53

void car_announce_init(struct car_announce *announce, const struct car_net_config *config)
{
    struct car_why why;

    memset(announce, 0, sizeof *announce);
    announce->config = config;
    announce->fd = -1;
    if (config->announce == NULL || *config->announce == '\0')
        return;
    if (car_target_read(config->announce, &announce->target, &why)) {
        car_net_say(config, "%s", why.text);
        return;
    }
    announce->state = CAR_ANNOUNCE_IDLE;
    announce->ip = announce->target.ip;
}

static void drop(struct car_announce *announce)
{
    if (announce->fd >= 0)
        close(announce->fd);
    announce->fd = -1;
    announce->state = CAR_ANNOUNCE_IDLE;
}

void car_announce_lease(struct car_announce *announce, uint32_t cloud, const uint32_t *dns,
                        size_t dns_n, uint64_t now_ms)
{
    if (announce->state == CAR_ANNOUNCE_OFF)
        return;
    drop(announce);
    announce->cloud = cloud;
    announce->dns_n = dns_n < 2 ? dns_n : 2;
    if (announce->dns_n > 0)
        memcpy(announce->dns, dns, announce->dns_n * sizeof *dns);
    announce->next_ms = now_ms;
    announce->changed = true;
}

void car_announce_news(struct car_announce *announce, uint64_t now_ms)
{
    if (announce->state == CAR_ANNOUNCE_IDLE)
        announce->next_ms = now_ms;
    else
        announce->again = true;
}

size_t car_announce_peers(const struct car_announce *announce,
                          struct car_own_peer peers[CAR_OWN_PEERS_MAX])
{
    size_t n = 0;

    if (announce->state == CAR_ANNOUNCE_OFF || announce->cloud == 0)
        return 0;
    if (announce->target.ip == 0)
        for (size_t i = 0; i < announce->dns_n; i++)
            peers[n++] = (struct car_own_peer){announce->dns[i], DNS_PORT, true};
    if (announce->ip != 0)
        peers[n++] = (struct car_own_peer){announce->ip, announce->target.port, false};
    return n;
}

/* --- the end of a try --- */

/* Said when it is not what was said the last time. */
static void ended(struct car_announce *announce, uint64_t now, const char *outcome)
{
    announce->next_ms = announce->again ? now : now + EVERY_MS;
    announce->again = false;
    drop(announce);
    if (strcmp(announce->outcome, outcome) == 0)
        return;
    (void)snprintf(announce->outcome, sizeof announce->outcome, "%s", outcome);
    car_net_say(announce->config, "announce: %s", outcome);
}

static void failed(struct car_announce *announce, uint64_t now, const char *outcome)
{
    if (announce->target.ip == 0)
        announce->ip = 0; /* the name is asked for again: the registry may have moved */
    ended(announce, now, outcome);
}

/* --- its steps --- */

/* A socket at one of our own ports, on its way to the peer. */
static int open_to(struct car_announce *announce, int type, uint32_t ip, uint16_t port)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(announce->cloud)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    from.sin_port = htons((uint16_t)(CAR_OWN_PORT_FIRST + announce->turn++ % CAR_OWN_PORTS));
    if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void ask_name(struct car_announce *announce, uint64_t now)
{
    uint16_t id = (uint16_t)(now * 40503U >> 4);
    uint32_t server = announce->dns_n > 0 ? announce->dns[announce->turn % announce->dns_n] : 0;

    announce->question_len = car_dns_write(announce->target.host, id, announce->question);
    announce->give_up_ms = now + DNS_MS;
    if (server == 0 || announce->question_len == 0) {
        failed(announce, now, "the host's address cannot be asked for: no name server was leased");
        return;
    }
    announce->fd = open_to(announce, SOCK_DGRAM, server, DNS_PORT);
    announce->state = CAR_ANNOUNCE_ASKING;
    if (announce->fd < 0 || send(announce->fd, announce->question, announce->question_len, 0) < 0)
        failed(announce, now, "no way to the name server");
}

static void call(struct car_announce *announce, uint64_t now)
{
    announce->request_len =
        car_announce_write(announce->config, &announce->target, announce->cloud, announce->request);
    announce->sent = announce->answer_len = 0;
    announce->give_up_ms = now + TRY_MS;
    if (announce->request_len == 0) {
        ended(announce, now, "what is to be said is too long");
        return;
    }
    announce->fd = open_to(announce, SOCK_STREAM, announce->ip, announce->target.port);
    announce->state = CAR_ANNOUNCE_CONNECTING;
    if (announce->fd < 0)
        failed(announce, now, "no way to the registry");
}

uint64_t car_announce_next_ms(const struct car_announce *announce)
{
    if (announce->state == CAR_ANNOUNCE_OFF || announce->cloud == 0)
        return UINT64_MAX;
    if (announce->state == CAR_ANNOUNCE_READY)
        return 0;
    return announce->state == CAR_ANNOUNCE_IDLE ? announce->next_ms : announce->give_up_ms;
}

void car_announce_tick(struct car_announce *announce, uint64_t now_ms)
{
    if (now_ms < car_announce_next_ms(announce))
        return;
    if (announce->state == CAR_ANNOUNCE_READY) {
        call(announce, now_ms);
    } else if (announce->state != CAR_ANNOUNCE_IDLE) {
        failed(announce, now_ms,
               announce->state == CAR_ANNOUNCE_ASKING ? "the name server does not answer"
                                                      : "the registry does not answer");
    } else if (announce->ip != 0) {
        call(announce, now_ms);
    } else {
        ask_name(announce, now_ms);
    }
}

static void take_name(struct car_announce *announce, uint64_t now)
{
    uint8_t message[CAR_DNS_BYTES];
    ssize_t len = recv(announce->fd, message, sizeof message, 0);
    enum car_dns_answer answer;

    if (len < 0) {
        if (errno != EAGAIN)
            failed(announce, now, "the name server refuses");
        return;
    }
    answer = car_dns_read(message, (size_t)len, announce->question, announce->question_len,
                          &announce->ip);
    if (answer == CAR_DNS_NOT_OURS)
        return;
    if (answer == CAR_DNS_NONE) {
        failed(announce, now, "the registry's host has no address");
        return;
    }
    drop(announce);
    announce->state = CAR_ANNOUNCE_READY;
    announce->changed = true;
}

static void send_on(struct car_announce *announce, uint64_t now)
{
    ssize_t len = send(announce->fd, announce->request + announce->sent,
                       announce->request_len - announce->sent, MSG_NOSIGNAL);

    if (len < 0 && errno != EAGAIN) {
        failed(announce, now, "the registry cannot be reached");
        return;
    }
    if (len > 0)
        announce->sent += (size_t)len;
    announce->state =
        announce->sent < announce->request_len ? CAR_ANNOUNCE_SENDING : CAR_ANNOUNCE_ANSWERED;
}

/* The status is all that is read of the answer. */
static void take_answer(struct car_announce *announce, uint64_t now)
{
    ssize_t len = recv(announce->fd, announce->answer + announce->answer_len,
                       sizeof announce->answer - announce->answer_len, 0);
    char outcome[32];
    int status;

    if (len < 0 && errno == EAGAIN)
        return;
    if (len <= 0) {
        failed(announce, now, "the registry ends the connection without an answer");
        return;
    }
    announce->answer_len += (size_t)len;
    status = car_status_read(announce->answer, announce->answer_len);
    if (status == 0 && announce->answer_len < sizeof announce->answer)
        return;
    if (status <= 0) {
        failed(announce, now, "what answers is no web server");
        return;
    }
    (void)snprintf(outcome, sizeof outcome, status < 300 ? "accepted (%d)" : "refused (%d)",
                   status);
    ended(announce, now, outcome);
}

short car_announce_events(const struct car_announce *announce)
{
    return announce->state == CAR_ANNOUNCE_CONNECTING || announce->state == CAR_ANNOUNCE_SENDING
               ? POLLOUT
               : POLLIN;
}

void car_announce_ready(struct car_announce *announce, uint64_t now_ms)
{
    if (announce->fd < 0)
        return;
    if (announce->state == CAR_ANNOUNCE_ASKING)
        take_name(announce, now_ms);
    else if (announce->state == CAR_ANNOUNCE_ANSWERED)
        take_answer(announce, now_ms);
    else
        send_on(announce, now_ms);
}
