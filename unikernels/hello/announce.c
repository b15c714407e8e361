/* SPDX-License-Identifier: ISC */
#include "announce.h"

#include "fmt.h"
#include "hello.h"
#include "mem.h"

#define FIRST_PAUSE_MS 1000 /* doubled after every try: 127 s until the last one */
#define ANSWER_MS 10000
#define BODY_BYTES 1024
#define HEAD_BYTES 512
#define STATUS_BYTES 13 /* "HTTP/1.1 200 " */

static uint64_t now_ms(const struct announce *announce)
{
    return announce->hello->plat->uptime_ms(announce->hello->plat->ctx);
}

void announce_init(struct announce *announce, struct hello *hello)
{
    memset(announce, 0, sizeof(*announce));
    announce->hello = hello;
}

void announce_start(struct announce *announce)
{
    if (announce->hello->args.announce_ip == 0)
        return;
    announce->wanted = true;
    announce->tries = 0;
    announce->next_ms = 0;
    announce_tick(announce);
}

static void write_url(const struct hello *hello, char *url, size_t cap)
{
    struct fmt f;

    fmt_init(&f, url, cap);
    if (hello->args.url[0] != '\0') {
        fmt_str(&f, hello->args.url);
        return;
    }
    fmt_str(&f, "http://");
    fmt_ip(&f, hello->net.ip);
    if (hello->args.port != 80) {
        fmt_str(&f, ":");
        fmt_u64(&f, hello->args.port);
    }
    fmt_str(&f, "/");
}

static void send_request(const struct hello *hello, struct tcp_conn *conn)
{
    char url[ARGS_VALUE_MAX + 1];
    char text[BODY_BYTES];
    char start[HEAD_BYTES];
    struct fmt body;
    struct fmt head;

    write_url(hello, url, sizeof(url));
    fmt_init(&body, text, sizeof(text));
    fmt_str(&body, "{\"name\":");
    fmt_json(&body, hello->args.name);
    fmt_str(&body, ",\"url\":");
    fmt_json(&body, url);
    fmt_str(&body, ",\"token\":");
    fmt_json(&body, hello->args.token);
    fmt_str(&body, ",\"kernel\":\"hello\"}\n");

    fmt_init(&head, start, sizeof(start));
    fmt_str(&head, "POST ");
    fmt_str(&head, hello->args.announce_path);
    fmt_str(&head, " HTTP/1.1\r\nHost: ");
    fmt_ip(&head, hello->args.announce_ip);
    fmt_str(&head, ":");
    fmt_u64(&head, hello->args.announce_port);
    fmt_str(&head, "\r\nUser-Agent: hello/" HELLO_VERSION
                   "\r\nContent-Type: application/json\r\nContent-Length: ");
    fmt_u64(&head, body.len);
    fmt_str(&head, "\r\nConnection: close\r\n\r\n");
    (void)tcp_write(conn, head.text, head.len);
    (void)tcp_write(conn, body.text, body.len);
}

/* The pause before the next try, or the end. */
static void failed(struct announce *announce, const char *why)
{
    uint32_t pause = (uint32_t)FIRST_PAUSE_MS << (announce->tries - 1);

    announce->conn = NULL;
    if (announce->tries >= ANNOUNCE_TRIES) {
        announce->wanted = false;
        platform_say(announce->hello->plat, "announce: ", why, "; giving up", NULL);
        return;
    }
    announce->next_ms = now_ms(announce) + pause;
    platform_say(announce->hello->plat, "announce: ", why, "; trying again", NULL);
}

static void take_status(struct announce *announce, struct tcp_conn *conn)
{
    char status[] = "status ...";

    memcpy(status + 7, conn->rx + 9, 3);
    tcp_abort(&announce->hello->tcp, conn);
    if (memcmp(conn->rx, "HTTP/1.", 7) != 0) {
        failed(announce, "answer is not HTTP");
    } else if (status[7] == '2') {
        announce->conn = NULL;
        announce->wanted = false;
        platform_say(announce->hello->plat, "announced", NULL);
    } else {
        failed(announce, status[7] >= '1' && status[7] <= '5' ? status : "answer is not HTTP");
    }
}

static void event(void *ctx, struct tcp_conn *conn)
{
    struct announce *announce = &((struct hello *)ctx)->announce;

    if (!announce->sent) {
        announce->sent = true;
        send_request(announce->hello, conn);
    }
    if (conn->rx_len >= STATUS_BYTES) {
        take_status(announce, conn);
    } else if (conn->fin_seen) {
        tcp_abort(&announce->hello->tcp, conn);
        failed(announce, "no answer");
    }
}

static void gone(void *ctx, struct tcp_conn *conn)
{
    struct announce *announce = &((struct hello *)ctx)->announce;

    if (announce->conn == conn)
        failed(announce, announce->sent ? "connection lost" : "no connection");
}

static const struct tcp_app announce_app = {.event = event, .gone = gone};

void announce_tick(struct announce *announce)
{
    struct hello *hello = announce->hello;
    uint64_t now;
    uint8_t mac[6];

    if (!announce->wanted || hello->net.ip == 0)
        return;
    now = now_ms(announce);
    if (announce->conn != NULL) {
        if (now >= announce->give_up_ms) {
            tcp_abort(&hello->tcp, announce->conn);
            failed(announce, "no answer in time");
        }
        return;
    }
    if (now < announce->next_ms)
        return;
    /* The address of the next hop: asked for once a second while this try lasts. */
    if (!net_resolve(&hello->net, hello->args.announce_ip, mac)) {
        if (announce->give_up_ms <= announce->next_ms) {
            announce->give_up_ms = now + ANSWER_MS;
        } else if (now >= announce->give_up_ms) {
            announce->give_up_ms = 0;
            announce->tries++;
            failed(announce, "no way there (ARP is not answered)");
        }
        return;
    }
    announce->tries++;
    announce->sent = false;
    announce->give_up_ms = now + ANSWER_MS;
    announce->conn = tcp_connect(&hello->tcp, mac, hello->args.announce_ip,
                                 hello->args.announce_port, &announce_app);
    if (announce->conn == NULL)
        failed(announce, "all connections are taken");
}
