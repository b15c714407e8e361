/* SPDX-License-Identifier: ISC */
#include "hello.h"

#include "fmt.h"
#include "mem.h"

static void say_deadline(const struct hello *hello)
{
    char text[16];
    struct fmt f;

    fmt_init(&f, text, sizeof(text));
    fmt_u64(&f, hello->deadline);
    platform_say(hello->plat, "deadline ", text, NULL);
}

static void say_address(const struct hello *hello)
{
    char text[96];
    struct fmt f;
    unsigned bits = 0;

    while (bits < 32 && hello->net.mask << bits != 0)
        bits++;
    fmt_init(&f, text, sizeof(text));
    fmt_ip(&f, hello->net.ip);
    fmt_str(&f, "/");
    fmt_u64(&f, bits);
    if (hello->net.gw != 0) {
        fmt_str(&f, " gateway ");
        fmt_ip(&f, hello->net.gw);
    }
    platform_say(hello->plat, "address ", text, hello->dhcp.state == DHCP_OFF ? "" : " by DHCP",
                 NULL);
    fmt_init(&f, text, sizeof(text));
    fmt_ip(&f, hello->net.ip);
    fmt_str(&f, ":");
    fmt_u64(&f, hello->args.port);
    platform_say(hello->plat, "listening on http://", text, "/", NULL);
}

/* A new address ends the old one's connections and sets the announcement going. */
static void check_address(struct hello *hello)
{
    if (hello->net.ip == hello->shown_ip)
        return;
    if (hello->shown_ip != 0)
        tcp_drop_all(&hello->tcp);
    hello->shown_ip = hello->net.ip;
    if (hello->net.ip == 0) {
        platform_say(hello->plat, "address lost", NULL);
        return;
    }
    for (unsigned i = 0; i < hello->early_count; i++) {
        struct net_packet packet;

        if (net_input(&hello->net, hello->early[i], hello->early_len[i], &packet) &&
            packet.proto == NET_PROTO_TCP)
            tcp_input(&hello->tcp, &packet);
    }
    hello->early_count = 0;
    say_address(hello);
    announce_start(&hello->announce);
}

static void keep_early(struct hello *hello, const uint8_t *frame, size_t len)
{
    static const uint8_t ip_and_version[3] = {0x08, 0x00, 0x45};
    unsigned slot = hello->early_count;

    if (slot == HELLO_EARLY || len > HELLO_EARLY_BYTES || len < NET_ETH_BYTES + NET_IP_BYTES ||
        memcmp(frame + 12, ip_and_version, sizeof(ip_and_version)) != 0 ||
        frame[NET_ETH_BYTES + 9] != NET_PROTO_TCP)
        return;
    memcpy(hello->early[slot], frame, len);
    hello->early_len[slot] = (uint8_t)len;
    hello->early_count++;
}

static void say_banner(const struct hello *hello, const uint8_t *mac)
{
    char text[24];
    struct fmt f;

    platform_say(hello->plat, "mirage-deploy hello " HELLO_VERSION ", a web unikernel", NULL);
    platform_say(hello->plat, "name ", hello->args.name, NULL);
    if (mac != NULL) {
        fmt_init(&f, text, sizeof(text));
        fmt_mac(&f, mac);
        platform_say(hello->plat, "network card ", text, NULL);
    }
    say_deadline(hello);
}

void hello_start(struct hello *hello, const struct platform *plat, const char *command_line,
                 const uint8_t mac[6], uint32_t seed)
{
    static const uint8_t no_mac[6];

    hello->plat = plat;
    hello->shown_ip = 0;
    hello->off = false;
    hello->console_len = 0;
    hello->early_count = 0;
    args_parse(&hello->args, command_line, plat);
    hello->deadline = hello->args.deadline;
    net_init(&hello->net, plat, mac != NULL ? mac : no_mac, seed);
    memset(&hello->dhcp, 0, sizeof(hello->dhcp));
    http_init(&hello->http, hello);
    tcp_init(&hello->tcp, &hello->net, hello->args.port, &http_app, hello);
    announce_init(&hello->announce, hello);
    /* The network first, the words after: the console is slow and somebody may be waiting. */
    if (mac != NULL && hello->args.ip != 0)
        net_set_address(&hello->net, hello->args.ip, hello->args.mask, hello->args.gw);
    else if (mac != NULL)
        dhcp_start(&hello->dhcp, &hello->net);
    say_banner(hello, mac);
    check_address(hello);
}

void hello_frame(struct hello *hello, const uint8_t *frame, size_t len)
{
    struct net_packet packet;

    if (hello->net.ip == 0)
        keep_early(hello, frame, len);
    if (!net_input(&hello->net, frame, len, &packet))
        return;
    if (packet.proto == NET_PROTO_TCP)
        tcp_input(&hello->tcp, &packet);
    else
        dhcp_input(&hello->dhcp, &packet);
    check_address(hello);
}

static void console_line(struct hello *hello)
{
    static const char word[] = "deadline ";
    size_t skip = sizeof(word) - 1;
    uint32_t deadline;

    if (hello->console_len == 0)
        return;
    if (hello->console_len > HELLO_CONSOLE_LINE) {
        platform_say(hello->plat, "console: line too long; ignored", NULL);
    } else if (hello->console_len <= skip || memcmp(hello->console, word, skip) != 0) {
        platform_say(hello->plat, "console: only \"deadline SECONDS\" is known; ignored", NULL);
    } else if (!fmt_parse_u32(hello->console + skip, hello->console_len - skip, &deadline)) {
        platform_say(hello->plat, "console: deadline is not a number of seconds; ignored", NULL);
    } else {
        hello->deadline = deadline;
        say_deadline(hello);
    }
}

void hello_console(struct hello *hello, char c)
{
    if (c == '\n' || c == '\r') {
        console_line(hello);
        hello->console_len = 0;
    } else {
        if (hello->console_len < HELLO_CONSOLE_LINE)
            hello->console[hello->console_len] = c;
        if (hello->console_len <= HELLO_CONSOLE_LINE)
            hello->console_len++;
    }
}

static void check_deadline(struct hello *hello)
{
    uint64_t end = (uint64_t)hello->deadline + hello->args.grace;

    if (hello->off || hello->deadline == 0 || hello->plat->unix_s(hello->plat->ctx) < end)
        return;
    hello->off = true;
    platform_say(hello->plat, "deadline and grace are over, powering off", NULL);
    hello->plat->power_off(hello->plat->ctx);
    platform_say(hello->plat, "this machine has no way to power off", NULL);
}

void hello_tick(struct hello *hello)
{
    dhcp_tick(&hello->dhcp);
    check_address(hello);
    tcp_tick(&hello->tcp);
    announce_tick(&hello->announce);
    check_deadline(hello);
}
