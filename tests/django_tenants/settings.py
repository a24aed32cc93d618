"""A Django project with the CRM's tables in every tenant's schema; the database comes from the environment."""

import os

SECRET_KEY = "only for a comparison on this machine"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": {
        "ENGINE": "django_tenants.postgresql_backend",
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "USER": os.environ["PGUSER"],
        "PASSWORD": os.environ["PGPASSWORD"],
        "NAME": "django",
    }
}
DATABASE_ROUTERS = ("django_tenants.routers.TenantSyncRouter",)
# Operator classes and immutable_unaccent() are where Tenantry has them.
PG_EXTRA_SEARCH_PATHS = ["extensions"]

SHARED_APPS = ("django_tenants", "django.contrib.contenttypes", "customers")
TENANT_APPS = ("crm",)
INSTALLED_APPS = SHARED_APPS + TENANT_APPS
TENANT_MODEL = "customers.Client"
TENANT_DOMAIN_MODEL = "customers.Domain"

TENANT_MULTIPROCESSING_MAX_PROCESSES = int(os.environ.get("JOBS", "2"))
TENANT_MULTIPROCESSING_CHUNKS = 8
