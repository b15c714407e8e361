/* SPDX-License-Identifier: ISC */
#include "answer.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay.h"
#include "text.h"

#define AGAIN_MS 10000
#define NOBODY 65534
#define PRIORITY 10
#define FILES_MAX (2 * CAR_RELAY_LINKS + 16)
#define MEMORY_FIRST "1000" /* of all processes, when memory ends */

void car_answer_init(struct car_answer *answer, const struct car_net_config *config)
{
    *answer = (struct car_answer){.config = config, .fd = -1};
}

/* --- in the process --- */

static void be_first_without_memory(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)!write(fd, MEMORY_FIRST, strlen(MEMORY_FIRST));
    close(fd);
}

/* All but three: the console, and what is given. */
static void close_others(int *listen_fd, int *life_fd)
{
    int listen_copy = fcntl(*listen_fd, F_DUPFD, FILES_MAX);
    int life_copy = fcntl(*life_fd, F_DUPFD, FILES_MAX);

    if (listen_copy < 0 || life_copy < 0)
        _exit(1);
    *listen_fd = dup2(listen_copy, STDERR_FILENO + 1);
    *life_fd = dup2(life_copy, STDERR_FILENO + 2);
    if (*listen_fd < 0 || *life_fd < 0 || close_range(STDERR_FILENO + 3U, ~0U, 0) != 0)
        _exit(1);
}

/* Nobody, without any right. In a user namespace there may be nobody else to be: then who it is
 * has no rights at least. */
static int drop_rights(struct car_why *why)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    struct rlimit files = {FILES_MAX, FILES_MAX}, processes = {0, 0};

    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)setrlimit(RLIMIT_NPROC, &processes);
    (void)setpriority(PRIO_PROCESS, 0, PRIORITY);
    (void)setgroups(0, NULL);
    (void)!setresgid(NOBODY, NOBODY, NOBODY);
    (void)!setresuid(NOBODY, NOBODY, NOBODY);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_capset, &head, none) != 0)
        return car_why_errno(why, "its rights cannot be given up");
    return 0;
}

static _Noreturn void process(const struct car_answer *answer, int listen_fd, int life_fd)
{
    const struct car_net_config *config = answer->config;
    struct car_relay_facts facts = {.listen_fd = listen_fd,
                                    .life_fd = life_fd,
                                    .guest = answer->guest,
                                    .port = config->answer,
                                    .token = config->token,
                                    .deadline = config->answer_deadline};
    struct car_why why;

    (void)prctl(PR_SET_NAME, "answer");
    be_first_without_memory();
    close_others(&facts.listen_fd, &facts.life_fd);
    if (drop_rights(&why) == 0)
        (void)car_relay(&facts, &why);
    car_net_say(config, "answer: %s", why.text);
    _exit(1);
}

/* --- its beginning and end --- */

static int start(struct car_answer *answer, const char *nic, struct car_why *why)
{
    int listen_fd = car_relay_listen(nic, answer->config->answer, why);
    int ends[2] = {-1, -1};
    pid_t pid = -1;

    if (listen_fd < 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0)
        pid = fork();
    if (pid == 0)
        process(answer, listen_fd, ends[1]);
    if (pid < 0)
        (void)car_why_errno(why, "no process");
    close(listen_fd);
    if (ends[1] >= 0)
        close(ends[1]);
    if (pid < 0 && ends[0] >= 0)
        close(ends[0]);
    if (pid < 0)
        return -1;
    answer->fd = ends[0];
    answer->pid = pid;
    return 0;
}

static void try(struct car_answer *answer, const char *nic, uint64_t now)
{
    struct car_why why;

    if (start(answer, nic, &why)) {
        answer->next_ms = now + AGAIN_MS;
        car_net_say(answer->config, "answer: %s; trying again", why.text);
        return;
    }
    answer->changed = true;
    answer->said = false;
}

void car_answer_stands(struct car_answer *answer)
{
    if (answer->fd < 0 || answer->said)
        return;
    answer->said = true;
    car_net_say(answer->config,
                "answer: /.well-known/unikernel on port %u is answered by the carrier; the guest "
                "sees its visitors as " CAR_ANSWER_VISITOR,
                answer->config->answer);
}

/* It ends at the end of its connection to us, whatever it does. */
static void stop(struct car_answer *answer)
{
    close(answer->fd);
    (void)kill(answer->pid, SIGKILL);
    (void)waitpid(answer->pid, NULL, 0);
    answer->fd = -1;
    answer->pid = 0;
    answer->changed = true;
}

void car_answer_begin(struct car_answer *answer, const char *nic, uint32_t guest, uint64_t now_ms)
{
    if (answer->config->answer == 0 || answer->guest == guest)
        return;
    if (answer->fd >= 0)
        stop(answer);
    answer->guest = guest;
    try(answer, nic, now_ms);
}

void car_answer_refuse(struct car_answer *answer)
{
    if (answer->config->answer == 0)
        return;
    if (answer->fd >= 0)
        stop(answer);
    answer->guest = 0;
    if (answer->refused)
        return;
    answer->refused = true;
    car_net_say(answer->config, "answer: not possible for a guest that has the machine's address; "
                                "/.well-known/unikernel is its own");
}

uint16_t car_answer_port(const struct car_answer *answer)
{
    return answer->fd >= 0 ? answer->config->answer : 0;
}

uint64_t car_answer_next_ms(const struct car_answer *answer)
{
    return answer->guest != 0 && answer->fd < 0 ? answer->next_ms : UINT64_MAX;
}

void car_answer_tick(struct car_answer *answer, const char *nic, uint64_t now_ms)
{
    if (now_ms >= car_answer_next_ms(answer))
        try(answer, nic, now_ms);
}

void car_answer_ready(struct car_answer *answer, uint64_t now_ms)
{
    if (answer->fd < 0)
        return;
    stop(answer);
    answer->next_ms = now_ms + AGAIN_MS;
    car_net_say(
        answer->config,
        "answer: its process has ended; until there is another one the port is the guest's");
}
