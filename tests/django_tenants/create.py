"""Makes so many tenants in one process, one after the other, and prints how long that took."""

import os
import sys
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

import django  # noqa: E402

django.setup()

from customers.models import Client, Domain  # noqa: E402

count = int(sys.argv[1])
began = time.monotonic()
for n in range(count):
    client = Client(schema_name=f"tenant{n}", name=f"Tenant {n}")
    client.save(verbosity=0)
    Domain(domain=f"tenant{n}.localhost", tenant=client, is_primary=True).save()
print(time.monotonic() - began)
