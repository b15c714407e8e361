/* SPDX-License-Identifier: ISC */
/*
 * The carrier's network: one NIC of the machine, one interface of the guest, and what passes
 * between them. All of it runs in a process of its own, so that nothing here can hold up the first
 * process, which calls in this order:
 *
 *     net = car_net_new(&config);
 *     car_net_find(net, 30000, &why)        the NIC, by waiting for it; its MAC is now known
 *     car_net_begin(net, &why)              the process: asks for a lease (NAT), beside what
 *                                           follows
 *     ... the guest is made, paused, with car_net_mac(net); its interface is vif1.0, or car_net_tap
 *     car_net_attach(net, "vif1.0", &why)   lease and rules are there, ARP is answered
 *     ... the guest is let go
 *     poll() on car_net_fd(net)             readable: the process has ended; car_net_ended says why
 *
 * DIRECT: every frame of the NIC goes to the guest and back (tc mirred). The guest has the NIC's
 * MAC and sees the cloud's own network, DHCP and IPv6 as well; the carrier has no address, so it
 * can neither announce nor see whether the guest answers. The NIC's MTU is cut to 1500.
 * `ports` is not looked at: what may come in is the cloud's firewall's to say.
 *
 * NAT: the carrier takes the cloud's address by DHCP, answers the guest's ARP for whatever it asks
 * (so that a compiled-in gateway is there), and translates the one address into the guest's,
 * statelessly, for all protocols (tc nat). The guest's address is the configured one, or the
 * sender of its first ARP. TCP connections to ports that are not in `ports` are dropped, and so is
 * UDP below 1024; all else passes. IPv6 is passed as in DIRECT, under the same rule for ports. A
 * guest whose own address is the very one that was leased is switched to DIRECT, and that is said.
 *
 * AUTO: the guest shows which of the two it is made for, by what it says first. An ARP with its
 * address: NAT. A question for an address (DHCP from 0.0.0.0): the carrier stops asking for itself,
 * takes its address off the NIC, and from then on it is DIRECT; the question is passed on. Until
 * then, as in NAT: so car_net_attach waits for a lease, but for no word of the guest. With
 * `address` it is NAT. IPv6 decides nothing, since it passes in both. The lease is not given back
 * (DHCPRELEASE): the guest asks with the same MAC, and nobody is to get its address meanwhile.
 *
 * With `answer` the carrier takes that port of the guest (NAT): it answers GET
 * /.well-known/unikernel, and passes all other connections on, from an address of its own.
 *
 * In all modes the cloud's metadata service (169.254.169.254, fd00:ec2::254) is out of the guest's
 * reach unless `imds` is set, and tagged frames (VLAN), which could hide it, are dropped.
 *
 * Needs the modules sch_ingress, cls_u32, act_gact, act_mirred, act_nat (and tun for car_net_tap),
 * loaded by the caller; /proc and /sys mounted; CAP_NET_ADMIN and CAP_NET_RAW. With CONFIG_PACKET,
 * which all of Debian's kernels have.
 *
 * All functions return 0, or -1 with the reason in `why`, unless said. One thread.
 */
#ifndef CAR_NET_H
#define CAR_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CAR_NET_PORTS_MAX 32
#define CAR_NET_MAC_BYTES 6
#define CAR_ANSWER_VISITOR "169.254.255.254" /* whom the guest sees where the carrier answers */

/* Why something failed: one line for the console, without a line end. */
struct car_why {
    char text[200];
};

enum car_net_mode { CAR_NET_DIRECT, CAR_NET_NAT, CAR_NET_AUTO };

struct car_net_port {
    uint16_t number; /* 1 to 65535 */
    bool udp;        /* else TCP */
};

/* Everything is borrowed and has to outlive the car_net. Zero is a good value for all but mode. */
struct car_net_config {
    enum car_net_mode mode;
    const char *nic;  /* its name; NULL: the first Ethernet device that has hardware behind it */
    uint32_t address; /* the guest's, in host order; 0: learned from its first ARP (NAT) */
    struct car_net_port ports[CAR_NET_PORTS_MAX]; /* what may be reached from outside (NAT) */
    size_t ports_n;
    bool imds; /* the guest may talk to the metadata service */
    /* Announcing (NAT only; see announce below). NULL: not. */
    const char *announce; /* http://HOST[:PORT]/PATH; https is refused: there is no TLS here */
    const char *token;    /* what proves the claim; NULL: "" */
    const char *name;     /* of the site */
    const char *url;      /* of the site; NULL: http://ADDRESS[:PORT]/ with what was leased */
    const char *kernel;   /* a word for what runs, 64 characters at most (a digest fits); or NULL */
    /* The ownership answer (NAT only; see answer.h): a TCP port of `ports`; 0: not asked for. */
    uint16_t answer;
    int64_t answer_deadline; /* that it states, Unix seconds; 0: null */
    /* A line for the console, without its end. Called in both processes; never NULL. */
    void (*say)(void *ctx, const char *text);
    void *ctx;
};

struct car_net;

/* Owned by the caller, who ends it with car_net_free. Aborts without memory. */
struct car_net *car_net_new(const struct car_net_config *config);
/* Ends the process too. NULL is fine. */
void car_net_free(struct car_net *net);

/* Waits for the NIC for at most wait_ms, without polling, and brings it up. */
int car_net_find(struct car_net *net, int wait_ms, struct car_why *why);
const char *car_net_nic(const struct car_net *net);
/* The MAC for the guest, in both modes: the NIC's own. */
const uint8_t *car_net_mac(const struct car_net *net);

/*
 * Starts the process. In NAT mode it asks for a lease, and says every ten seconds that there is
 * none yet; after lease_ms (0: 60 s) it ends, and car_net_attach says so. Whether the machine then
 * goes off is the caller's to decide.
 */
int car_net_begin(struct car_net *net, int lease_ms, struct car_why *why);

/* Makes a tap device for a tender, which stays; car_net_attach brings it up. Needs no car_net. */
int car_net_tap(const char *name, struct car_why *why);

/*
 * Connects the guest's interface. Waits until the process has its lease and all rules stand; then
 * the guest may run: its first ARP will be answered and heard. To be called once.
 */
int car_net_attach(struct car_net *net, const char *interface, struct car_why *why);

/*
 * After car_net_attach the process goes on: learns the guest's address, renews the lease, connects
 * to the guest's first TCP port (of `ports`, or 80) until it answers and says how long that took,
 * announces at the start, when the guest has answered, and each minute from then on.
 * When it ends (an interface has gone, the kernel refuses a rule) the descriptor becomes readable.
 * A lease that is lost does not end it: it is said, the address given up, and DHCP begun again.
 */
int car_net_fd(const struct car_net *net);    /* -1 before car_net_begin; borrowed */
pid_t car_net_pid(const struct car_net *net); /* 0 before car_net_begin; the caller may reap it */
/* Why the process has ended, in `why`. Blocks while it has not. */
void car_net_ended(struct car_net *net, struct car_why *why);

#endif
