/* SPDX-License-Identifier: ISC */
/* Where things live (PRODUCT: files). All results owned, absolute. */
#ifndef API_PATHS_H
#define API_PATHS_H

#include "api/error.h"

/* $MIRAGE_DEPLOY_STATE, else /var/lib/mirage-deploy for a system daemon's own user
 * ($STATE_DIRECTORY), else $XDG_STATE_HOME/mirage-deploy, else ~/.local/state/mirage-deploy. */
char *mir_path_state(struct mir_error *err);

/* $MIRAGE_DEPLOY_SOCKET, else $XDG_RUNTIME_DIR/mirage-deploy/api.sock, else
 * <state>/api.sock. */
char *mir_path_socket(struct mir_error *err);

#endif
