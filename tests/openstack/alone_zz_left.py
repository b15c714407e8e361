#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The last part: it leaves a machine running, so that the cloud's end has something to end. Speaks
TAP."""
import stack
import tap


def a_machine_is_left_running(cloud):
    stack.need_machines()
    root, _ = cloud.hello_images('name=left')
    cloud.await_active(cloud.boot('left', root, [{'uuid': cloud.network()}]))


if __name__ == '__main__':
    raise SystemExit(tap.run_cases([a_machine_is_left_running], lambda _: stack.Stack()))
