/* SPDX-License-Identifier: ISC */
#include "api/fault.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum mode { MODE_NONE, MODE_KILL, MODE_FAIL_BEFORE, MODE_FAIL_AFTER, MODE_HANG };

/* Read once from the environment; never written again. */
struct plan {
    enum mode mode;
    unsigned long at;
    const char *name; /* not terminated; NULL: points of any name count */
    size_t name_len;
    const char *count_file;
};

static struct plan plan;
static pthread_once_t plan_once = PTHREAD_ONCE_INIT;
static atomic_ulong passed, passed_of_name;

/* "7" or "store.commit#7". */
static void read_where(const char *text)
{
    const char *mark = strchr(text, '#');
    if (mark) {
        plan.name = text;
        plan.name_len = (size_t)(mark - text);
    }
    plan.at = strtoul(mark ? mark + 1 : text, NULL, 10);
}

static void read_plan(void)
{
    static const struct {
        const char *word;
        enum mode mode;
    } words[] = {{"kill:", MODE_KILL},
                 {"fail-before:", MODE_FAIL_BEFORE},
                 {"fail-after:", MODE_FAIL_AFTER},
                 {"hang:", MODE_HANG}};
    plan.count_file = getenv("MIRAGE_DEPLOY_FAULT_COUNT");
    const char *text = getenv("MIRAGE_DEPLOY_FAULT");
    for (size_t i = 0; text && i < MIR_NELEMS(words); i++)
        if (!strncmp(text, words[i].word, strlen(words[i].word))) {
            plan.mode = words[i].mode;
            read_where(text + strlen(words[i].word));
        }
}

static void note(unsigned long number, const char *name)
{
    int fd = open(plan.count_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        dprintf(fd, "%lu %s %ld\n", number, name, (long)getpid());
        close(fd);
    }
}

/* Is this the point that the plan names? */
static int is_planned(const char *name, unsigned long number)
{
    if (plan.mode == MODE_NONE)
        return 0;
    if (!plan.name)
        return number == plan.at;
    if (strlen(name) != plan.name_len || strncmp(name, plan.name, plan.name_len))
        return 0;
    return atomic_fetch_add(&passed_of_name, 1) + 1 == plan.at;
}

/* 1 when this point is the one to fail in the given mode. */
static int pass(const char *name, enum mode failing)
{
    pthread_once(&plan_once, read_plan);
    unsigned long number = atomic_fetch_add(&passed, 1) + 1;
    if (plan.count_file)
        note(number, name);
    if (!is_planned(name, number))
        return 0;
    if (plan.mode == MODE_KILL)
        raise(SIGKILL);
    while (plan.mode == MODE_HANG)
        pause();
    return plan.mode == failing;
}

int mir_fault_before(const char *name, struct mir_error *err)
{
    if (!pass(name, MODE_FAIL_BEFORE))
        return 0;
    return mir_fail(err, MIR_UNAVAILABLE, "%s: planted fault before the effect", name);
}

int mir_fault_after(const char *name, struct mir_error *err)
{
    if (!pass(name, MODE_FAIL_AFTER))
        return 0;
    mir_fail(err, MIR_UNAVAILABLE, "%s: planted fault, the answer is lost", name);
    if (err)
        err->outcome = MIR_OUTCOME_UNKNOWN;
    return -1;
}
