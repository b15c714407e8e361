/* SPDX-License-Identifier: ISC */
/*
 * real_calls: makes each call of the bindings on the OpenStack that OS_AUTH_URL and the other OS_*
 * variables name, and checks what comes. Everything that it makes it deletes. 77: nothing is named.
 *
 * With an argument that part alone: identity, images, network, compute, objects, workflows.
 */
#include "real.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "openstack/identity.h"

struct real real;

bool real_expect(bool met, const char *what, const char *file, int line)
{
    real.met += met;
    real.failed += !met;
    const char *base = strrchr(file, '/');
    if (!met)
        printf("# %s:%d: not so: %s: %s (%s, HTTP %d, outcome %d)\n", base ? base + 1 : file, line,
               what, real.err.text, real.err.provider_code, real.err.http_status,
               (int)real.err.outcome);
    real.err = (struct mir_error){0};
    return met;
}

void real_pause(void)
{
    poll(NULL, 0, 300);
}

struct os_session *real_session(const struct os_cloud *cloud)
{
    struct os_session_settings settings = {.cloud = cloud};
    struct os_session *session = os_session_new(&settings, &real.err);
    if (!session) {
        printf("Bail out! %s\n", real.err.text);
        exit(1);
    }
    return session;
}

/* Borrowed from the environment; NULL where nothing is said. */
static char *variable(const char *name)
{
    char *text = getenv(name);
    return text && *text ? text : NULL;
}

static void read_environment(struct os_cloud *cloud)
{
    *cloud = (struct os_cloud){
        .auth_type = OS_AUTH_PASSWORD,
        .auth_url = variable("OS_AUTH_URL"),
        .user = {.name = variable("OS_USERNAME"), .domain_id = variable("OS_USER_DOMAIN_ID")},
        .project = {.name = variable("OS_PROJECT_NAME"),
                    .domain_id = variable("OS_PROJECT_DOMAIN_ID")},
        .password = variable("OS_PASSWORD"),
        .region = variable("OS_REGION_NAME"),
        .interface = variable("OS_INTERFACE"),
        .requires_floating_ip = -1,
    };
}

struct part {
    const char *name;
    void (*run)(void);
};

static const struct part parts[] = {
    {"identity", real_identity}, {"images", real_images},   {"network", real_network},
    {"compute", real_compute},   {"objects", real_objects}, {"workflows", real_workflows},
};

int main(int argc, char **argv)
{
    unsigned bad = 0;
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!variable("OS_AUTH_URL")) {
        printf("skipped: OS_AUTH_URL names no OpenStack\n");
        return 77;
    }
    read_environment(&real.cloud);
    snprintf(real.name, sizeof real.name, "mirage-real-%d", (int)getpid());
    real.session = real_session(&real.cloud);
    for (size_t i = 0; i < MIR_NELEMS(parts); i++) {
        if (argc > 1 && strcmp(argv[1], parts[i].name) != 0)
            continue;
        real.met = real.failed = 0;
        real.until_ms = os_until(real.session, 180000);
        parts[i].run();
        printf("%s %s: %u of %u\n", real.failed ? "not ok" : "ok", parts[i].name, real.met,
               real.met + real.failed);
        bad += real.failed;
    }
    os_session_free(real.session);
    return bad ? 1 : 0;
}
