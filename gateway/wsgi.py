import logging
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
logging.captureWarnings(True)  # Celery's processes do so too

application = get_wsgi_application()
