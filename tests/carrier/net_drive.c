/* SPDX-License-Identifier: ISC */
/*
 * net_drive KEY=VALUE...: the carrier's network as its first process uses it, for the tests. Every
 * line that would go to the console is printed, and "=attached" once the guest's interface is; ends
 * with "=ended WHY" (status 1), or when its input ends (status 0). Keys: mode=nat|direct|auto
 * nic=NAME interface=NAME, and address= open=80/tcp imds=yes announce= token= name= url= kernel=
 * answer=PORT states=EPOCH limit=MS tap=NAME (a tap device, made first).
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net.h"

struct wish {
    struct car_net_config config;
    const char *interface;
    const char *tap;
    int limit_ms;
};

static void say(void *ctx, const char *text)
{
    char line[512];
    int len = snprintf(line, sizeof line, "%s\n", text);

    if (write(STDOUT_FILENO, line, (size_t)len) < 0)
        _exit(3);
}

static void take_port(struct car_net_config *config, const char *text)
{
    config->ports[config->ports_n++] = (struct car_net_port){
        .number = (uint16_t)strtoul(text, NULL, 10), .udp = strstr(text, "/udp") != NULL};
}

static void take(struct wish *wish, const char *word)
{
    struct car_net_config *config = &wish->config;
    const struct {
        const char *key;
        const char **place;
    } texts[] = {
        {"nic=", &config->nic},           {"announce=", &config->announce},
        {"token=", &config->token},       {"name=", &config->name},
        {"url=", &config->url},           {"kernel=", &config->kernel},
        {"interface=", &wish->interface}, {"tap=", &wish->tap},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strncmp(word, texts[i].key, strlen(texts[i].key)) == 0) {
            *texts[i].place = word + strlen(texts[i].key);
            return;
        }
    }
    if (strcmp(word, "mode=nat") == 0)
        config->mode = CAR_NET_NAT;
    else if (strcmp(word, "mode=auto") == 0)
        config->mode = CAR_NET_AUTO;
    else if (strcmp(word, "imds=yes") == 0)
        config->imds = true;
    else if (strncmp(word, "open=", 5) == 0 && config->ports_n < CAR_NET_PORTS_MAX)
        take_port(config, word + 5);
    else if (strncmp(word, "answer=", 7) == 0)
        config->answer = (uint16_t)strtoul(word + 7, NULL, 10);
    else if (strncmp(word, "states=", 7) == 0)
        config->answer_deadline = strtoll(word + 7, NULL, 10);
    else if (strncmp(word, "limit=", 6) == 0)
        wish->limit_ms = (int)strtol(word + 6, NULL, 10);
    else if (strncmp(word, "address=", 8) == 0)
        config->address = ntohl(inet_addr(word + 8));
    else if (strcmp(word, "mode=direct") != 0)
        exit(4);
}

static int failed(const struct car_why *why)
{
    printf("=ended %s\n", why->text);
    return 1;
}

int main(int argc, char **argv)
{
    struct wish wish = {.config = {.say = say}};
    struct pollfd wait[2];
    struct car_why why;
    struct car_net *net;

    for (int i = 1; i < argc; i++)
        take(&wish, argv[i]);
    setvbuf(stdout, NULL, _IONBF, 0);
    net = car_net_new(&wish.config);
    if ((wish.tap != NULL && car_net_tap(wish.tap, &why)) || car_net_find(net, 3000, &why) ||
        car_net_begin(net, wish.limit_ms, &why) || car_net_attach(net, wish.interface, &why)) {
        car_net_free(net);
        return failed(&why);
    }
    printf("=attached\n");
    wait[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    wait[1] = (struct pollfd){.fd = car_net_fd(net), .events = POLLIN};
    if (poll(wait, 2, -1) < 0 || wait[1].revents == 0) {
        car_net_free(net);
        return 0;
    }
    car_net_ended(net, &why);
    car_net_free(net);
    return failed(&why);
}
