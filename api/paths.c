/* SPDX-License-Identifier: ISC */
#include "api/paths.h"

#include <stdlib.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"

/* An environment variable that holds an absolute path, or NULL. */
static const char *env_path(const char *name)
{
    const char *value = getenv(name);
    return value && *value == '/' ? value : NULL;
}

char *mir_path_state(struct mir_error *err)
{
    const char *given = getenv("MIRAGE_DEPLOY_STATE");
    if (given && *given == '/')
        return mir_strdup(given);
    if (given && *given) {
        mir_auto_free char *here = getcwd(NULL, 0);
        return mir_format("%s/%s", here ? here : "", given);
    }
    if (env_path("STATE_DIRECTORY"))
        return mir_strdup(env_path("STATE_DIRECTORY"));
    if (env_path("XDG_STATE_HOME"))
        return mir_format("%s/mirage-deploy", env_path("XDG_STATE_HOME"));
    if (env_path("HOME"))
        return mir_format("%s/.local/state/mirage-deploy", env_path("HOME"));
    mir_fail(err, MIR_USAGE, "no state directory: neither MIRAGE_DEPLOY_STATE nor HOME is set");
    mir_error_hint(err, "set MIRAGE_DEPLOY_STATE to a directory you can write to");
    return NULL;
}

char *mir_path_socket(struct mir_error *err)
{
    if (env_path("MIRAGE_DEPLOY_SOCKET"))
        return mir_strdup(env_path("MIRAGE_DEPLOY_SOCKET"));
    /* A state directory of its own means a daemon of its own. */
    if (!getenv("MIRAGE_DEPLOY_STATE") && env_path("XDG_RUNTIME_DIR"))
        return mir_format("%s/mirage-deploy/api.sock", env_path("XDG_RUNTIME_DIR"));
    mir_auto_free char *state = mir_path_state(err);
    return state ? mir_format("%s/api.sock", state) : NULL;
}
