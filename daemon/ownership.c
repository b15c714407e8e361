/* SPDX-License-Identifier: ISC */
#include "ownership.h"

#include <string.h>

#include "api/http.h"

#define HTTP 80
#define HTTPS 443

struct doors {
    const struct mir_port *ports;
    unsigned port_count;
    const struct mir_place *place;
};

/* The guest's port behind the one that the world knows; 0: it is not open. */
static uint16_t behind(const struct doors *doors, uint16_t outside)
{
    for (unsigned i = 0; i < doors->port_count; i++)
        if (doors->ports[i].host_port == outside)
            return doors->ports[i].guest_port;
    return mir_place_opens(doors->place, outside) ? outside : 0;
}

static bool opens(const struct doors *doors, uint16_t guest)
{
    for (unsigned i = 0; i < doors->port_count; i++)
        if (doors->ports[i].guest_port == guest)
            return true;
    return mir_place_opens(doors->place, guest);
}

static uint16_t first(const struct doors *doors)
{
    for (unsigned i = 0; i < doors->port_count; i++)
        if (doors->ports[i].guest_port != HTTPS)
            return doors->ports[i].guest_port;
    for (unsigned i = 0; i < doors->place->open_count; i++)
        if (doors->place->open[i] != HTTPS)
            return doors->place->open[i];
    return 0;
}

uint16_t mird_ownership_port(const char *url, const struct mir_port *ports, unsigned port_count,
                             const struct mir_place *place)
{
    const struct doors doors = {ports, port_count, place};
    struct mir_url parts;
    uint16_t port = 0;
    if (*url && !mir_url_parse(url, &parts, NULL))
        port = behind(&doors, parts.port);
    if (port) /* else the URL is that of something in front of it */
        return port;
    return opens(&doors, HTTP) ? HTTP : first(&doors);
}

static int refuse(struct mir_error *err, const char *why, const char *hint)
{
    mir_fail(err, MIR_USAGE, "nobody can give the ownership answer for the kernel: %s", why);
    return mir_error_hint(err, "leave --answer-ownership away%s", hint);
}

static bool has_network(const struct mir_kernel *kernel)
{
    return !mir_kernel_demands(kernel) || mir_kernel_demanded(kernel, MIR_DEVICE_NET) > 0;
}

int mird_ownership_plan(const struct mird_request *request, const struct mird_burden *burden,
                        struct mird_plan *plan, struct mir_error *err)
{
    if (!request->answer_ownership)
        return 0;
    if (!burden->plain)
        return refuse(err, "it is started as it is, without a carrier",
                      "; such a kernel serves /.well-known/unikernel itself, or is started with "
                      "--carrier always where `mirage-deploy inspect` names a carrier");
    if (plan->carrier == MIR_CARRIER_SHIM)
        return refuse(err, "a shim is a carrier without a system that could answer",
                      ", or choose a --type that takes another carrier");
    if (!strncmp(request->url, "https://", strlen("https://")))
        return refuse(err, "its carrier speaks no TLS, and the URL is https://",
                      ", or give an http:// --url");
    if (!has_network(burden->plain))
        return refuse(err, "it has no network", "");
    if (!mird_ownership_port(request->url, plan->ports, plan->port_count, &plan->place))
        return refuse(err, "no port of it is open for HTTP", ", or open one: -p 80, --open 80");
    plan->takes_part |= MIR_PART_WELL_KNOWN;
    return 0;
}
