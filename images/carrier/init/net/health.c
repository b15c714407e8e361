/* SPDX-License-Identifier: ISC */
#include "health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "announce_text.h"
#include "text.h"

#define TRY_MS 2000
#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 1000
#define PAUSE_LATE_MS 10000 /* once it has been said that the guest does not answer */
#define COMPLAIN_MS 60000

void car_health_init(struct car_health *health, const struct car_net_config *config)
{
    memset(health, 0, sizeof *health);
    health->config = config;
    health->fd = -1;
}

static void drop(struct car_health *health)
{
    if (health->fd >= 0)
        close(health->fd);
    health->fd = -1;
}

void car_health_begin(struct car_health *health, uint32_t guest, uint64_t now_ms)
{
    if (health->guest == guest || health->answered)
        return;
    drop(health);
    health->guest = guest;
    health->tries = 0;
    health->began_ms = health->next_ms = now_ms;
}

uint64_t car_health_next_ms(const struct car_health *health)
{
    if (health->guest == 0 || health->answered)
        return UINT64_MAX;
    return health->fd >= 0 ? health->give_up_ms : health->next_ms;
}

static uint64_t pause_ms(const struct car_health *health)
{
    uint64_t pause = PAUSE_FIRST_MS;

    if (health->complained)
        return PAUSE_LATE_MS;
    for (unsigned i = 1; i < health->tries && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

static void failed(struct car_health *health, uint64_t now)
{
    drop(health);
    if (!health->complained && now - health->began_ms >= COMPLAIN_MS) {
        health->complained = true;
        car_net_say(health->config, "the guest does not answer on port %u yet",
                    car_guest_port(health->config));
    }
    health->next_ms = now + pause_ms(health);
}

static bool answered(struct car_health *health, uint64_t now)
{
    uint64_t passed = now - health->began_ms;

    drop(health);
    health->answered = true;
    car_net_say(health->config, "the guest answers on port %u, %u.%02u s after its first word",
                car_guest_port(health->config), (unsigned)(passed / 1000),
                (unsigned)(passed % 1000 / 10));
    return true;
}

void car_health_tick(struct car_health *health, uint64_t now_ms)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(car_guest_port(health->config)),
                             .sin_addr.s_addr = htonl(health->guest)};

    if (now_ms < car_health_next_ms(health))
        return;
    if (health->fd >= 0) {
        failed(health, now_ms);
        return;
    }
    health->tries++;
    health->give_up_ms = now_ms + TRY_MS;
    health->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Whatever becomes of it, poll() tells; only what fails at once has nothing to wait for. */
    if (health->fd < 0 ||
        (connect(health->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS))
        failed(health, now_ms);
}

bool car_health_ready(struct car_health *health, uint64_t now_ms)
{
    socklen_t len = sizeof(int);
    int error = 0;

    if (health->fd < 0)
        return false;
    if (getsockopt(health->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0)
        return answered(health, now_ms);
    failed(health, now_ms);
    return false;
}
