"""A headless Chromium for tests, which logs its console and what it asks for."""
import json

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service

CHROMEDRIVER = "/usr/bin/chromedriver"


def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--disable-background-networking", "--disable-component-update", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for attempt in range(3):  # the port that it finds free for chromedriver may be taken a moment later
        try:
            return webdriver.Chrome(service=Service(CHROMEDRIVER), options=options)
        except WebDriverException:
            if attempt == 2:
                raise


def drain_logs(driver):
    """Lines of the console, and addresses outside of this machine's files that were asked for, since the last call."""
    events = [json.loads(line["message"])["message"] for line in driver.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return driver.get_log("browser"), [url for url in asked if not url.startswith(("file:", "data:"))]
