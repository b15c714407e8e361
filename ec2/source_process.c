/* SPDX-License-Identifier: ISC */
/* Keys from a program of the user's (credential_process). */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "command.h"
#include "keys.h"
#include "source.h"
#include "words.h"

#define PROCESS_TIMEOUT_MS 60000

static int check_status(const struct ec2_command *command, const char *what, struct mir_error *err)
{
    int status = command->status;
    const char *said = *command->complaint ? command->complaint : "it says nothing";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status))
        return mir_fail(err, MIR_CREDENTIALS, "%s: exit status %d: %s", what, WEXITSTATUS(status),
                        said);
    return mir_fail(err, MIR_CREDENTIALS, "%s: ended by signal %d: %s", what, WTERMSIG(status),
                    said);
}

static int run(struct ec2_asking *ask, const struct ec2_property *p, const char *what,
               struct ec2_credentials *ret, struct mir_error *err)
{
    size_t count = 0;
    char **words = ec2_words_split(p->value, strlen(p->value), &count, err);
    if (!words)
        return mir_error_wrap(err, "%s", what);
    mir_auto_free char *source = mir_format("credential_process of profile %s", ask->profile);
    int limit_ms = ask->settings->process_timeout_ms;
    ec2_auto_command struct ec2_command command = {0};
    int rc = count == 0 ? mir_fail(err, MIR_USAGE, "no program is named")
                        : ec2_command_run(words, limit_ms > 0 ? limit_ms : PROCESS_TIMEOUT_MS,
                                          &command, err);
    ec2_words_free(words);
    if (rc) {
        if (*command.complaint)
            mir_error_hint(err, "it says: %s", command.complaint);
        return mir_error_wrap(err, "%s", what);
    }
    if (check_status(&command, what, err))
        return -1;
    return ec2_keys_from_json(command.out, command.out_len, EC2_KEYS_PROCESS, what, source, ret,
                              err);
}

enum ec2_answer ec2_source_process(struct ec2_asking *ask, struct ec2_credentials *ret,
                                   struct mir_error *err)
{
    const struct ec2_property *p = ec2_asked(ask, "credential_process");
    if (!p)
        return ec2_none(ask, "profile %s has no credential_process", ask->profile);
    mir_auto_free char *what = mir_format("credential_process (%s:%u)", p->path, p->line);
    return run(ask, p, what, ret, err) ? EC2_ANSWER_FAILED : EC2_ANSWER_SERVED;
}
