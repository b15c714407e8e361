/* SPDX-License-Identifier: ISC */
#include "start.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "off.h"
#include "say.h"

#define CARD_MS 30000
#define DISKS_MS 30000

static bool file_has(const char *path, const char *word)
{
    char text[8192];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    if (len < 0)
        return false;
    text[len] = '\0';
    return strstr(text, word) != NULL;
}

void car_facts(const struct car_conf *conf, unsigned image, struct car_module_facts *ret)
{
    static struct car_pci_id ids[CAR_PCI_MAX];
    /* Without it nobody makes virtual machines here, and the modules for them are not in /k. */
    bool hvt = access(CAR_TENDER_HVT, X_OK) == 0;

    *ret = (struct car_module_facts){.image = image,
                                     .net = conf->net != CAR_NET_KIND_NONE,
                                     .blocks = conf->blocks_n > 0,
                                     .on_xen = file_has("/sys/hypervisor/type", "xen"),
                                     .vmx = hvt && file_has("/proc/cpuinfo", " vmx "),
                                     .svm = hvt && file_has("/proc/cpuinfo", " svm "),
                                     .ids = ids};
    if (ret->net || ret->blocks)
        ret->ids_n = car_pci_list(ids);
}

static void say_for_net(void *ctx, const char *text)
{
    (void)ctx;
    car_say("%s", text);
}

static const char *given(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void configure(const struct car_conf *conf, struct car_net_config *ret)
{
    static const enum car_net_mode modes[] = {[CAR_NET_KIND_AUTO] = CAR_NET_AUTO,
                                              [CAR_NET_KIND_NAT] = CAR_NET_NAT,
                                              [CAR_NET_KIND_DIRECT] = CAR_NET_DIRECT};

    *ret = (struct car_net_config){
        .mode = modes[conf->net],
        .address = conf->address,
        .ports_n = conf->open_n,
        .imds = conf->imds,
        .announce = given(conf->announce),
        .token = given(conf->token),
        .name = given(conf->name),
        .url = given(conf->url),
        .kernel = given(conf->digest),
        .answer = conf->answer,
        .answer_deadline = conf->answer_deadline,
        .say = say_for_net,
    };
    for (size_t i = 0; i < conf->open_n; i++) {
        ret->ports[i].number = conf->open[i].port;
        ret->ports[i].udp = conf->open[i].udp;
    }
}

struct car_net *car_network(const struct car_conf *conf)
{
    static struct car_net_config config;
    struct car_net *net;
    struct car_why why;

    if (conf->net == CAR_NET_KIND_NONE)
        return NULL;
    configure(conf, &config);
    net = car_net_new(&config);
    if (car_net_find(net, CARD_MS, &why) != 0 || car_net_begin(net, 0, &why) != 0)
        car_off(CAR_OFF_NO_NETWORK, "%s", why.text);
    return net;
}

void car_network_attach(struct car_net *net, const char *interface)
{
    struct car_why why;

    if (net != NULL && car_net_attach(net, interface, &why) != 0)
        car_off(CAR_OFF_NO_NETWORK, "%s", why.text);
}

void car_disks_await(const struct car_conf *conf, struct car_disks *ret)
{
    char why[CAR_WHY_MAX];

    if (car_disks_find(ret, conf->blocks_n, DISKS_MS, why) != 0)
        car_off(CAR_OFF_CONFIGURATION, "%s", why);
    for (size_t i = 0; i < ret->n; i++)
        car_say("the guest's disk %s is %s", conf->blocks[i], ret->devices[i]);
}

_Noreturn void car_off_without(const struct car_program *program)
{
    char text[40];

    car_off(CAR_OFF_START_FAILED, "%s ended (%s)", program->name,
            car_status_text(program->status, text, sizeof(text)));
}
