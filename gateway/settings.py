"""All settings, in one file.

GATEWAY_ENV=embedded, the default, needs no other variables; GATEWAY_ENV=production requires its secrets.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from celery.schedules import crontab
from cryptography.fernet import Fernet

from gateway import environment as env
from gateway.telemetry import logs

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
GATEWAY_ENV = env.one_of("GATEWAY_ENV", ("embedded", "production"), default="embedded")
EMBEDDED = GATEWAY_ENV == "embedded"
VAR_DIR = Path(env.text("VAR_DIR", default=str(BASE_DIR / "var")))

# Secrets -------------------------------------------------------------------------------------------------
if EMBEDDED:
    env.keep_private(VAR_DIR)
    _secret_key = env.kept_secret(VAR_DIR / "secret_key", lambda: secrets.token_urlsafe(64))
    _encryption_key = env.kept_secret(VAR_DIR / "encryption_key", lambda: Fernet.generate_key().decode())
SECRET_KEY = env.text("SECRET_KEY", default=_secret_key if EMBEDDED else None)
# The first key encrypts, every key decrypts (`manage.py reencrypt_secrets` moves all to the first).
ENCRYPTION_KEYS = env.fernet_keys("ENCRYPTION_KEYS", default=_encryption_key if EMBEDDED else None)
# Newest first: the first key signs the audit trail, every key verifies it. If you change SECRET_KEY and AUDIT_KEYS is
# not set, put the old SECRET_KEY here in second place.
AUDIT_KEYS = env.audit_keys("AUDIT_KEYS", default=SECRET_KEY)

# Host and ports ------------------------------------------------------------------------------------------
DEBUG = False
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]" if EMBEDDED else "")
if not ALLOWED_HOSTS:
    env.refuse("ALLOWED_HOSTS is not set.")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
PORT = env.whole("PORT", default=8000)
# Port of the demo partner's site (docs/demo-site.md). 0: PORT + 1 in the embedded default, no site in production.
# `manage.py up` passes the port to the web process.
DEMO_PORT = env.whole("DEMO_PORT", default=0)
DEMO_ORIGINS = env.words("DEMO_ORIGINS")
WEB_THREADS = env.whole("WEB_THREADS", default=8 if EMBEDDED else 16)
ROOT_URLCONF = "gateway.urls"
WSGI_APPLICATION = "gateway.wsgi.application"
APPEND_SLASH = False

INSTALLED_APPS = [
    "gateway.console.apps.ConsoleApp",  # django.contrib.admin with our own site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "django_otp",
    "gateway",
    "brokers",
    "brokers.simulator",
    "webhooks",
    "smallcases",
    "transactions",
    "transactions.reconciliation.tradebook",
]
MIDDLEWARE = [
    "gateway.http.middleware.RequestId",
    "gateway.http.middleware.TrailingSlash",
    "gateway.http.access_log.Access",
    "gateway.http.security_headers.SafeHeaders",
    "gateway.http.middleware.Envelope",
    "gateway.http.security_headers.KnownHost",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "gateway.http.middleware.BodyLimit",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "gateway.http.browser_middleware.BrowserMiddlewareStack",
]
# Runs inside the last of them, for pages but not for the APIs.
BROWSER_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "gateway.http.middleware.WantedFiles",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "gateway.console.read_only_admin.Askable",
    "gateway.console.time_zone.IndianTime",
    "gateway.identity.session_timeout.Idle",
    "axes.middleware.AxesMiddleware",
]
# These checks require sessions, CSRF, logins, messages and axes in MIDDLEWARE; they are in the list above.
SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410", "axes.W002", "security.W003"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "gateway" / "console_templates"],  # before those of django.contrib.admin
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
# An image contains its static files; its VAR_DIR is empty at first.
STATIC_ROOT = Path(env.text("STATIC_ROOT", default=str(VAR_DIR / "static")))
WHITENOISE_USE_FINDERS = EMBEDDED
WHITENOISE_ALLOW_ALL_ORIGINS = False
if EMBEDDED:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)

# Database: PostgreSQL, or SQLite in var/ for the embedded default ----------------------------------------
_sqlite = f"sqlite:///{VAR_DIR / 'gateway.sqlite3'}"
_database: dict[str, Any] = env.database("DATABASE_URL", default=_sqlite if EMBEDDED else None)
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Immediate: a writing transaction takes the lock at its beginning, so that claims are exclusive.
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    _database |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
    if _database["ENGINE"] == "django.db.backends.postgresql":
        _database["ENGINE"] = "gateway.database.postgresql"
    _database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# "transaction": a pooler (PgBouncer) assigns a connection per transaction. It has no cursors beyond a transaction, and
# refuses the limits below as connection options: set them for the web's role instead.
DATABASE_POOLING = env.one_of("DATABASE_POOLING", ("session", "transaction"), default="session")
_database["DISABLE_SERVER_SIDE_CURSORS"] = DATABASE_POOLING == "transaction"
# Only in the web (gateway.wsgi), on PostgreSQL: limit for a statement, and for its wait for a lock. 0: no limit.
STATEMENT_TIMEOUT_SECONDS = env.whole("STATEMENT_TIMEOUT_SECONDS", default=15)
LOCK_TIMEOUT_SECONDS = env.whole("LOCK_TIMEOUT_SECONDS", default=5)
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Celery: Redis, alone or behind Sentinels, or the filesystem for the embedded default ----------------------
CELERY_BROKER_URL = env.broker_url("CELERY_BROKER_URL", default="filesystem://localhost/" if EMBEDDED else None)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "gateway"
# Hung endpoints may delay webhook workers, but never the workers that place orders.
CELERY_TASK_ROUTES = {"deliver_due": {"queue": "deliveries"}}
QUEUES = ("gateway", "deliveries")
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 120
CELERY_TIMEZONE = "UTC"
# max_retries: if Redis is down, a message fails at once. Otherwise kombu retries for six seconds in a user's request.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"socket_connect_timeout": 2, "socket_timeout": 5, "max_retries": 0}
if CELERY_BROKER_URL.startswith("sentinel://"):
    CELERY_BROKER_TRANSPORT_OPTIONS["master_name"] = env.text("CELERY_BROKER_MASTER")
if CELERY_BROKER_URL.startswith("filesystem://"):
    for _folder in ("messages", "control"):
        (VAR_DIR / "queue" / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(VAR_DIR / "queue" / "messages"),
        "data_folder_out": str(VAR_DIR / "queue" / "messages"),
        "control_folder": str(VAR_DIR / "queue" / "control"),
        "polling_interval": 0.05,
    }
# A tick that has not run within two seconds expires: the next tick does the same.
CELERY_BEAT_SCHEDULE = {
    "place and sync batches": {"task": "place_batches", "schedule": 1.0, "options": {"expires": 2}},
    "sweep rebalance notices": {"task": "sweep_rebalance_notices", "schedule": 1.0, "options": {"expires": 2}},
    "sweep sips": {"task": "sweep_sips", "schedule": 1.0, "options": {"expires": 2}},
    "deliver due": {"task": "deliver_due", "schedule": 1.0, "options": {"expires": 2}},
    "sweep deliveries": {"task": "sweep_deliveries", "schedule": 1.0, "options": {"expires": 2}},
    "sweep replays": {"task": "sweep_replays", "schedule": 1.0, "options": {"expires": 2}},
    "sweep tradebooks": {"task": "sweep_tradebooks", "schedule": 1.0, "options": {"expires": 2}},
    # Hourly, because it only adds missing days: a lost tick delays them by an hour.
    "forget old events": {"task": "forget_old_events", "schedule": crontab(minute=30)},
    "index smallcases": {"task": "index_smallcases", "schedule": crontab(minute=0)},
    "end unused sessions": {"task": "end_unused_sessions", "schedule": crontab(minute=40)},
    "forget old requests": {"task": "forget_old_requests", "schedule": crontab(minute=20)},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")

# The domain ----------------------------------------------------------------------------------------------
MARKET_HOURS = env.one_of("MARKET_HOURS", ("always", "nse"), default="always" if EMBEDDED else "nse")
MARKET_SEED = env.text("MARKET_SEED", default="gateway")
# How long an order may stay unreported before its outcome is unknown (ERROR), in seconds.
UNREPORTED_LIMIT_TEST_SECONDS = env.whole("UNREPORTED_LIMIT_TEST_SECONDS", default=5, before="PATIENCE_TEST_SECONDS")
UNREPORTED_LIMIT_LIVE_SECONDS = env.whole("UNREPORTED_LIMIT_LIVE_SECONDS", default=60, before="PATIENCE_LIVE_SECONDS")
# How long an order stays queued that the broker certainly has not received; then it is unplaced, in seconds.
PLACEMENT_DEADLINE_TEST_SECONDS = env.whole("PLACEMENT_DEADLINE_TEST_SECONDS", default=3)
PLACEMENT_DEADLINE_LIVE_SECONDS = env.whole("PLACEMENT_DEADLINE_LIVE_SECONDS", default=30)
# Calls of brokers that a worker process has in flight. One: no threads, as SQLite needs, which has one writer.
BROKER_CALLS_AT_ONCE = env.whole("BROKER_CALLS_AT_ONCE", default=1 if "sqlite3" in _database["ENGINE"] else 256)
# Calls in flight to one broker from one gateway, of all worker processes together.
BROKER_CALLS_PER_LINK = env.whole("BROKER_CALLS_PER_LINK", default=512)
# Rupees at stake in one order above which a second person approves a correction (domain.corrections).
RECONCILE_FOUR_EYES_ABOVE = env.whole("RECONCILE_FOUR_EYES_ABOVE", default=200_000)
# Two people publish a rebalance in the console: one proposes it, another approves it.
REBALANCE_FOUR_EYES = env.flag("REBALANCE_FOUR_EYES", default=False)

# Webhooks may go to this machine and its network. Keep it off if unknown partners choose the URLs.
WEBHOOK_ALLOW_PRIVATE_NETWORKS = env.flag("WEBHOOK_ALLOW_PRIVATE_NETWORKS", default=EMBEDDED)
# Certificate authorities for partners' receivers, besides the public ones.
WEBHOOK_CA_FILE = env.read(
    "WEBHOOK_CA_FILE", env.authorities, default="", wanted="a file of certificates in PEM format that can be read"
)
WEBHOOK_RETENTION_DAYS = env.whole("WEBHOOK_RETENTION_DAYS", default=90)
# Rate limits (gateway.api.rate_limits); empty: no limit ------------------------------------------------------------
# A partner's server: 100 requests a second, sustained. One web process answers 250 to 500 reads a second (measured).
RATE_LIMIT_GATEWAY = env.rate("RATE_LIMIT_GATEWAY", default="6000/minute")
# One connected user or manager: an app that polls every second from two devices makes 120.
RATE_LIMIT_ACCOUNT = env.rate("RATE_LIMIT_ACCOUNT", default="300/minute")
# Wrong secrets for one gateway from one address.
RATE_LIMIT_WRONG_SECRETS = env.rate("RATE_LIMIT_WRONG_SECRETS", default="20/minute")
# A user's browser on the Browser API, by address: many users may share an address.
RATE_LIMIT_BROWSER = env.rate("RATE_LIMIT_BROWSER", default="1200/minute")
# The screens of one checkout: a status page polls up to 85 times a minute, and may be open twice.
RATE_LIMIT_CHECKOUT = env.rate("RATE_LIMIT_CHECKOUT", default="300/minute")
# Wrong PINs on live gateways, besides the five per checkout. Counted three times: by broker account and address, by
# address, and by broker account over all addresses that it was not logged in from before.
RATE_LIMIT_WRONG_PINS = env.rate("RATE_LIMIT_WRONG_PINS", default="10/hour")
RATE_LIMIT_WRONG_PINS_ACCOUNT = env.rate("RATE_LIMIT_WRONG_PINS_ACCOUNT", default="50/hour")
RATE_LIMIT_WRONG_PINS_ADDRESS = env.rate("RATE_LIMIT_WRONG_PINS_ADDRESS", default="100/hour")
_on_redis = CELERY_BROKER_URL.startswith(("redis://", "rediss://"))
RATE_LIMIT_STORAGE_URL = env.store_url(
    "RATE_LIMIT_STORAGE_URL", default=CELERY_BROKER_URL if _on_redis else "memory://"
)

# REST and OpenAPI ----------------------------------------------------------------------------------------
BODY_LIMIT_BYTES = 64 * 1024
CONSOLE_BODY_LIMIT_BYTES = 5 * 1024 * 1024
BODY_SECONDS = 10
# How much of a refused body is read and discarded: a client that sends everything before it reads then gets the
# response instead of a broken connection.
DRAINED_BYTES = 16 * 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["gateway.api.drf.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "gateway.api.drf.AlwaysJSON",
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "gateway.api.openapi.Schema",
    "EXCEPTION_HANDLER": "transactions.api.exception_handler.envelope_errors",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS gets 405: DRF's own response has no envelope
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Transaction gateway",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.1",
    "DESCRIPTION": "Baskets of securities, from a transactionId to a verified webhook.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/(v1|gateway|sandbox|checkout)",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "gateway.api.openapi.with_security_and_errors",
        "transactions.api.openapi.with_what_fields_cannot_say",
        "transactions.sandbox.openapi.with_one_move_of_the_clock",
    ],
}

# Language and time: UTC internally and on the wire; the console shows IST ----------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["gateway.formats"]

# Safety --------------------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# One file, and only on pages that accept a file (http.middleware.WantedFiles). In memory: Django would otherwise write
# files to disk even for users who are not logged in.
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = CONSOLE_BODY_LIMIT_BYTES
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
BEHIND_TLS_PROXY = env.flag("BEHIND_TLS_PROXY", default=False)
# How many of our proxies append to X-Forwarded-For: callers may have written the entries before theirs.
PROXIES_IN_FRONT = env.whole("PROXIES_IN_FRONT", default=int(BEHIND_TLS_PROXY))
if not EMBEDDED:
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # requested internally, without the TLS proxy
    SECURE_HSTS_SECONDS = env.whole("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    if BEHIND_TLS_PROXY:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Access to the console (docs/console.md) ---------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# scrypt is memory-hard and part of Python; a password with another hash is hashed again at the next login.
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Scrypt", "PBKDF2", "PBKDF2SHA1", "Argon2")
]
_validation = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_validation}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_validation}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_validation}.CommonPasswordValidator"},
    {"NAME": f"{_validation}.NumericPasswordValidator"},
]
CONSOLE_REQUIRE_TOTP = env.flag("CONSOLE_REQUIRE_TOTP", default=False)
CONSOLE_IDLE_MINUTES = env.whole("CONSOLE_IDLE_MINUTES", default=30)
CONSOLE_SESSION_HOURS = env.whole("CONSOLE_SESSION_HOURS", default=12)
SESSION_COOKIE_AGE = CONSOLE_SESSION_HOURS * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Per name and address, so that strangers cannot lock users out. Many names from one address: RATE_LIMIT_WRONG_SECRETS.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env.whole("CONSOLE_LOCKOUT_FAILURES", default=5)
AXES_COOLOFF_TIME = timedelta(minutes=env.whole("CONSOLE_LOCKOUT_MINUTES", default=15))
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "gateway.identity.login.client_address"
AXES_LOCKOUT_CALLABLE = "gateway.identity.login.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "password", "code"]
AXES_DISABLE_ACCESS_LOG = True  # the audit trail has the logins
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "Transaction gateway"

# Logs and metrics ----------------------------------------------------------------------------------------
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_FORMAT = env.one_of("LOG_FORMAT", ("json", "line"), default="line" if EMBEDDED else "json")
LOGGING = logs.configuration(LOG_FORMAT, level=env.one_of("LOG_LEVEL", LOG_LEVELS, default="INFO"))
# The scraper's secret. Without it /metrics is open in the embedded default and 404 in production.
METRICS_TOKEN = env.read("METRICS_TOKEN", env.long_enough, default="", wanted="16 characters long at least")
WORKER_METRICS_PORT = env.whole("WORKER_METRICS_PORT", default=0)
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(VAR_DIR / "metrics"))
# Limits beyond which the gateway reports that it is not ready.
READY_QUEUE_DEPTH = env.whole("READY_QUEUE_DEPTH", default=10_000)
READY_FREE_MEGABYTES = env.whole("READY_FREE_MEGABYTES", default=200)
