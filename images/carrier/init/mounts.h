/* SPDX-License-Identifier: ISC */
/* The file systems and folders that everything else needs. */
#ifndef CAR_MOUNTS_H
#define CAR_MOUNTS_H

/* What fails is said on the console; what it was for will say so, too. */
void car_mount_all(void);

/* Xen's own, once its module is there. 0, or -1 when Linux is not the control domain. */
int car_mount_xen(void);

#endif
