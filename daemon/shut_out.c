/* SPDX-License-Identifier: ISC */
#include "shut_out.h"

#include <errno.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/log.h"
#include "api/memory.h"

#define AGAIN "--shut-out"
#define SELF "/proc/self/exe" /* also when a newer one has been put in its place */
#define GOODBYE_MS 2000       /* for children to end by themselves, and once more when killed */
#define PIECE_MS 10
#define CHILDREN_MAX 64u /* of one reading; who is left is found by the next */

int mird_begin_again(char **argv, struct mir_error *err)
{
    char again[] = AGAIN;
    size_t count = 0;
    while (argv[count])
        count++;
    mir_auto_free char **words = mir_calloc(count + 2, sizeof *words);
    memcpy(words, argv, count * sizeof *words);
    if (strcmp(argv[count - 1], AGAIN) != 0)
        words[count] = again;
    /* All are to be closed by exec anyway; what a library forgot must not hold a lock or a port. */
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    execv(SELF, words);
    return mir_fail_errno(err, errno, "cannot begin again as a standby");
}

/* The public process, and who was just at work for a request or a launch: nobody waits for them any
 * more. They are ours and not reaped, so their numbers cannot be others'. */
static void kill_children(void)
{
    mir_auto_free char *path =
        mir_format("/proc/self/task/%d/children", (int)getpid()); /* the only thread */
    FILE *file = fopen(path, "re");
    int pid;
    for (unsigned i = 0; file && i < CHILDREN_MAX && fscanf(file, "%d", &pid) == 1; i++)
        kill(pid, SIGKILL);
    if (file)
        fclose(file);
}

static void await_children(void)
{
    pid_t ended = 0;
    for (int waited = 0; waited < 2 * GOODBYE_MS; waited += PIECE_MS) {
        while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (ended < 0)
            return; /* none is left */
        if (waited >= GOODBYE_MS)
            kill_children();
        poll(NULL, 0, PIECE_MS);
    }
    mir_log(MIR_LOG_ERROR, "start", "a child of the time before does not end");
}

void mird_begun_again(struct mird_options *options)
{
    prctl(PR_SET_NAME, "mirage-deployd"); /* not "exe" */
    await_children();
    options->standby = true;
    options->ready_fd = -1; /* was told, and the number is another's now */
}
