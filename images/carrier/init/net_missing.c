/* SPDX-License-Identifier: ISC */
/* In place of the network, until it is there: every attempt is refused with the reason. */
#include <stdio.h>
#include <stdlib.h>

#include "net.h"

static int refuse(struct car_why *why)
{
    (void)snprintf(why->text, sizeof(why->text), "this carrier was built without a network");
    return -1;
}

struct car_net *car_net_new(const struct car_net_config *config)
{
    (void)config;
    return NULL;
}

void car_net_free(struct car_net *net)
{
    (void)net;
}

int car_net_find(struct car_net *net, int wait_ms, struct car_why *why)
{
    (void)net;
    (void)wait_ms;
    return refuse(why);
}

const char *car_net_nic(const struct car_net *net)
{
    (void)net;
    return "";
}

const uint8_t *car_net_mac(const struct car_net *net)
{
    (void)net;
    return NULL;
}

int car_net_begin(struct car_net *net, int lease_ms, struct car_why *why)
{
    (void)net;
    (void)lease_ms;
    return refuse(why);
}

int car_net_tap(const char *name, struct car_why *why)
{
    (void)name;
    return refuse(why);
}

int car_net_attach(struct car_net *net, const char *interface, struct car_why *why)
{
    (void)net;
    (void)interface;
    return refuse(why);
}

int car_net_fd(const struct car_net *net)
{
    (void)net;
    return -1;
}

pid_t car_net_pid(const struct car_net *net)
{
    (void)net;
    return 0;
}

void car_net_ended(struct car_net *net, struct car_why *why)
{
    (void)net;
    (void)refuse(why);
}
